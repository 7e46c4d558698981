/** Tasks called directly, as a test calls them; and, for comparison, by a host. */
import { Context, HandleMissingError, noHandle, type TaskHandle, task, WorkflowBuilder } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

const myHandleTask = task({ id: "my_handle_task" }, async (context, handle) => {
  if (context.get("ready", false)) return { waited: false };
  await handle.deferUntil(() => true);
  return { waited: true };
});

it("with null for the handle, what does not defer works", async () => {
  expect(await myHandleTask(new Context({ ready: true }), null)).toEqual({ waited: false });
});

it("and without it, or with noHandle", async () => {
  expect(await myHandleTask(new Context({ ready: true }))).toEqual({ waited: false });
  expect(await myHandleTask(new Context({ ready: true }), noHandle)).toEqual({ waited: false });
});

it("deferUntil fails without a real handle, and says what to do", async () => {
  await expect(myHandleTask(new Context(), null)).rejects.toThrow(HandleMissingError);
  await expect(myHandleTask(new Context(), null)).rejects.toMatchObject({
    code: "HANDLE_MISSING",
    message: expect.stringContaining("run it in a workflow"),
  });
});

it("noHandle answers everything but deferUntil", async () => {
  expect(noHandle.isSlotHeld()).toBe(false);
  await expect(noHandle.checkpoint()).resolves.toBeUndefined();
  expect(noHandle.signal.aborted).toBe(false);
});

class Tasks {
  @task({ id: "double" })
  double(context: Context, handle: TaskHandle | null) {
    context.set("doubled", context.require<number>("n") * 2);
    context.set("held", handle?.isSlotHeld() ?? null);
    return context;
  }
}

it("a decorated method is called as the method that it is", () => {
  const context = new Tasks().double(new Context({ n: 21 }), null);
  expect(context.toJSON()).toEqual({ n: 21, doubled: 42, held: null });
});

it("the very same code runs in a host, with a real handle", async () => {
  const direct = new WorkflowBuilder("direct").addTask(myHandleTask).addTasks(new Tasks()).build();
  const { context } = await scheduler.runner.execute(direct, { n: 21 });
  expect(context.toJSON()).toEqual({ n: 21, waited: true, doubled: 42, held: true });
});
