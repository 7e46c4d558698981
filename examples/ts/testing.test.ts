// Tests of a workflow that waits for days and retries for hours: on a virtual clock, in milliseconds. With vitest.
import { TransientError, workflow } from "cloaca";
import { runTask, runWorkflow } from "cloaca/testing";
import { expect, test } from "vitest";

const HOUR = 3_600_000;

const order = workflow("order", ({ task }) => {
  const approve = task({ id: "approve" }, async (_context, handle) => {
    const by = await handle.deferUntil(() => askTheOffice(), { pollIntervalMs: HOUR, maxWaitMs: 48 * HOUR });
    return { by };
  });
  const pay = task(
    { id: "pay", dependencies: [approve], retryAttempts: 3, retryDelayMs: HOUR, retryMaxDelayMs: 24 * HOUR },
    () => {
      throw new TransientError("the bank is closed");
    },
  );
  task({ id: "ship", dependencies: [pay] }, () => ({ shipped: true }));
});

test("one task: its condition is asked every hour, and the slot is free meanwhile", async () => {
  const run = await runTask(order, "approve", { conditions: [null, null, "Ada"] });
  expect(run.context.toJSON()).toEqual({ by: "Ada" });
  expect(run.deferrals).toMatchObject([{ polls: 3, waitedMs: 2 * HOUR, outcome: "MET" }]);
  expect(run.slotHeldMs).toBe(0);
});

test("nobody answers: the wait ends after two days, and nothing is shipped", async () => {
  const run = await runWorkflow(order, {}, { conditions: { approve: "never" } });
  expect(run.status).toBe("FAILED");
  expect(run.durationMs).toBe(48 * HOUR);
  expect(run.task("ship")).toMatchObject({ state: "SKIPPED", skipCause: "UPSTREAM_FAILED" });
});

test("the bank opens in time: two failures, then it is paid and shipped", async () => {
  const pay = (_context: unknown, handle: { attempt: number }) => {
    if (handle.attempt < 3) throw new TransientError("the bank is closed");
  };
  const run = await runWorkflow(order, {}, { conditions: { approve: ["Ada"] }, tasks: { pay } });
  expect(run.status).toBe("SUCCEEDED");
  expect(run.task("pay").failures.map(({ message }) => message)).toEqual(["the bank is closed", "the bank is closed"]);
});

function askTheOffice(): string | null {
  throw new Error("a test does not call the office");
}
