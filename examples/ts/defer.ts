// One slot, two tasks: while one waits for a file, the other runs in its slot, and writes the file.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DefaultRunner, workflow } from "cloaca";

const folder = mkdtempSync(join(tmpdir(), "cloaca-defer-"));
const path = join(folder, "numbers.txt");

const handOver = workflow("hand_over", ({ task }) => {
  task({ id: "wait_for_file" }, async (_context, handle) => {
    console.log("wait_for_file: has the slot, gives it back");
    const file = await handle.deferUntil(() => existsSync(path) && path, { pollIntervalMs: 20, describe: path });
    console.log(`wait_for_file: goes on, has a slot again: ${handle.isSlotHeld()}`);
    return {
      sum: readFileSync(file, "utf8")
        .split(" ")
        .map(Number)
        .reduce((a, b) => a + b),
    };
  });

  task({ id: "write_file" }, () => {
    console.log("write_file: runs in that slot");
    writeFileSync(path, "1 2 3 4");
  });
});

await using runner = new DefaultRunner({ url: "memory:", slots: 1 });
const { runId, context } = await runner.execute(handOver);
console.log(`the sum is ${context.get<number>("sum")}`);

// The log of the run proves it: the slot that one task gave back is the slot that the other one took.
for await (const { events } of (await runner.client()).watch({ runId })) {
  for (const { task, type, slotDelta } of events) if (slotDelta !== 0) console.log(slotDelta, type, task);
}
rmSync(folder, { recursive: true });
