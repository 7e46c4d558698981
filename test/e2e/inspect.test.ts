/**
 * docs/INSPECT.md is executed: each of its sections in a shell, against a scheduler of its own, and what it prints is what the
 * page shows. `npx vitest run --project e2e test/e2e/inspect.test.ts -u` writes the page anew.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { curl } from "../../scripts/curl.mjs";
import { grpcurl } from "../../scripts/grpcurl.mjs";
import { toolEnv } from "../../scripts/lib/process.mjs";
import { replay } from "../support/console-page.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

const PAGE = fileURLToPath(new URL("../../docs/INSPECT.md", import.meta.url));
const ADDRESS = "localhost:7233";

/** Each command is a process or several; on a busy machine they take their time. */
const PATIENCE_MS = 300_000;

const found = grpcurl();
/** What a section needs, besides what npm has installed. `npm test` says what is missing, and fails for it in CI. */
const missing = (heading: string): boolean => "missing" in curl() || (heading === "grpcurl" && "missing" in found);

describe("docs/INSPECT.md", () => {
  const [head = "", ...sections] = readFileSync(PAGE, "utf8").split(/^(?=## )/m);
  const headings = sections.map((section) => /^## With (.+)$/m.exec(section)?.[1]?.replaceAll("`", "") ?? "");
  const replayed = new Map<string, string>();

  it("has a section for each tool", () => {
    expect(headings).toEqual(["grpcurl", "buf curl", "curl"]);
    // What is not executed shows no session.
    expect(head).not.toContain("```console");
  });

  describe.each(headings.map((heading, at) => ({ heading, section: sections[at] ?? "" })))(
    "with $heading",
    ({ heading, section }) => {
      let scheduler: SchedulerProcess;
      let folder: string;

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), "cloaca-inspect-"));
        scheduler = await SchedulerProcess.start("memory:", "--check-books");
      }, PATIENCE_MS);

      afterAll(async () => {
        rmSync(folder, { recursive: true });
        expect((await scheduler.end("SIGTERM")).code).toBe(0);
        expect(scheduler.logs.filter(({ event }) => event === "turn_failed" || event === "books_wrong")).toEqual([]);
      });

      it.skipIf(missing(heading))("shows what happens", { timeout: PATIENCE_MS }, async () => {
        const env = toolEnv();
        if ("path" in found) env["PATH"] = `${dirname(found.path)}${delimiter}${env["PATH"]}`;
        const text = await replay(section, { env, cwd: folder, replace: { [ADDRESS]: scheduler.address } });
        replayed.set(section, text);
        for (const task of ["register", "StartRun", "ExplainRun", "deferUntil", "reclaim", "complete", "WatchRuns"]) {
          expect(text.toLowerCase()).toContain(task.toLowerCase());
        }
        expect(text).toContain("RUN_STATUS_SUCCEEDED");
      });
    },
  );

  it("is what was executed", async () => {
    const page = head + sections.map((section) => replayed.get(section) ?? section).join("");
    await expect(page).toMatchFileSnapshot(PAGE);
  });
});
