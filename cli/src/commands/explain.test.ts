import type { RunExplanation, RunInfo, WaitReasonName } from "@cloaca/sdk/client";
import { describe, expect, it } from "vitest";
import { hintsFor } from "./explain.js";

const run = (status: RunInfo["status"]) => ({ runId: "r1", workflow: "etl", status }) as RunInfo;

function commands(status: RunInfo["status"], ...reasons: readonly WaitReasonName[]): string[] {
  const tasks = reasons.map((reason) => ({ reason })) as unknown as RunExplanation["tasks"];
  return hintsFor(run(status), { status, leftOut: 0, tasks }).map(({ command }) => command);
}

describe("what helps against a reason", () => {
  it("comes once for all tasks that have it, before following the run", () => {
    expect(commands("RUNNING", "NO_HOST", "DEPENDENCY", "NO_FREE_SLOT")).toEqual(["cloaca hosts", "cloaca watch r1"]);
    expect(commands("PENDING", "WORKFLOW_PAUSED", "NO_HOST_FOR_VERSION")).toEqual([
      "cloaca resume --workflow etl",
      "cloaca workflows",
      "cloaca watch r1",
    ]);
  });

  it("is to resume a paused run, whatever its tasks wait for first", () => {
    expect(commands("PAUSED", "RETRY_DELAY", "DEPENDENCY")).toEqual(["cloaca resume r1", "cloaca watch r1"]);
  });

  it("never follows a run that is over, named tasks or not", () => {
    expect(commands("SUCCEEDED", "ENDED")).toEqual(["cloaca show r1"]);
    expect(commands("CANCELLED")).toEqual(["cloaca show r1"]);
    expect(commands("FAILED", "ENDED")).toEqual(["cloaca retry r1", "cloaca show r1"]);
  });
});
