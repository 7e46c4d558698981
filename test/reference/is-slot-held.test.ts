/** `handle.isSlotHeld()`. */
import { HandleConsumedError, type TaskHandle, workflow } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

it("is true while the task runs, false while it is deferred, and true again after", async () => {
  const held: [when: string, isHeld: boolean][] = [];
  const asked = workflow("asked", ({ task }) => {
    task({ id: "ask" }, async (_context, handle) => {
      held.push(["before", handle.isSlotHeld()]);
      await handle.deferUntil(() => {
        held.push(["while it waits", handle.isSlotHeld()]);
        return true;
      });
      held.push(["after", handle.isSlotHeld()]);
    });
  });
  await scheduler.runner.execute(asked);
  expect(held).toEqual([
    ["before", true],
    ["while it waits", false],
    ["after", true],
  ]);
});

it("throws HandleConsumedError once the task has ended", async () => {
  const kept: TaskHandle[] = [];
  const keeping = workflow("keeping", ({ task }) => {
    task({ id: "keep" }, (_context, handle) => {
      kept.push(handle);
    });
  });
  await scheduler.runner.execute(keeping);
  expect(kept).toHaveLength(1);
  expect(() => kept[0]?.isSlotHeld()).toThrow(HandleConsumedError);
});
