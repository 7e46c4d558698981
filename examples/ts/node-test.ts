// A test with node:test: while one task waits, its slot runs the other. Run it with `node --test`, or as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { workflow } from "cloaca";
import { runWorkflow } from "cloaca/testing";

const etl = workflow("etl", ({ task }) => {
  task({ id: "wait_for_file" }, async (_context, handle) => ({
    file: await handle.deferUntil((): string | null => null, { describe: "the file of the day" }),
  }));
  task({ id: "clean_up" }, () => {});
});

void test("the slot that one task gives back is the slot that the other one takes", async () => {
  const run = await runWorkflow(
    etl,
    {},
    {
      slots: 1,
      conditions: { wait_for_file: [null, null, null, "a.csv"] },
      takes: { clean_up: 2_000 },
    },
  );
  assert.equal(run.context.get<string>("file"), "a.csv");
  assert.deepEqual(
    run.slots.map(({ task, fromMs, toMs, end }) => `${task} ${fromMs}–${toMs} ${end}`),
    ["wait_for_file 0–0 DEFERRED", "clean_up 0–2000 SUCCEEDED", "wait_for_file 3000–3000 SUCCEEDED"],
  );
});
