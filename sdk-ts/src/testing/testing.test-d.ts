// Type tests: tsc checks this file, nothing runs it.
import { Context, type OpenValues, type TaskHandle, task, workflow } from "../index.js";
import { runTask, runWorkflow, type TaskReport, type WorkflowReport } from "./index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_Holds extends true>(): void {}

const fetchData = task({ id: "fetch_data" }, async (context) => context.set("raw", [1, 2, 3]));
const count = task({ id: "count", dependencies: [fetchData] }, (context) => ({ n: context.get("raw").length }));

export async function typesFlow(): Promise<void> {
  const run = await runTask(count, { context: { raw: [1] }, conditions: [false, "a.csv"] });
  const n = run.context.get("n");
  is<Equal<typeof n, number>>();
  // @ts-expect-error nobody sets it
  run.context.get("typo");
  // @ts-expect-error raw is an array of numbers
  await runTask(count, { context: { raw: "x" } });
  // What is not known may be there, and what is known may be missing.
  await runTask(count, { context: { other: true } });
  await runTask(count, { context: new Context({ raw: [1] }) });
  // @ts-expect-error no option of that name
  await runTask(count, { condition: "never" });
  await runTask(count, { conditions: [[false, new Error("x")], undefined, "never", ({ poll }) => poll > 2] });
  // @ts-expect-error "sometimes" is no script
  await runTask(count, { conditions: "sometimes" });
}

class Etl {
  @task()
  async load(context: Context, handle: TaskHandle) {
    await handle.deferUntil(() => true);
    return context;
  }
}

export async function methods(etl: Etl): Promise<void> {
  const run = await runTask(etl.load, { self: etl });
  is<Equal<typeof run, TaskReport<OpenValues>>>();
}

const daily = workflow<{ day: string }>("daily", ({ task }) => {
  task({ id: "load" }, (context) => ({ loaded: context.get("day") }));
});
const plain = workflow("plain", ({ task }) => {
  task({ id: "load" }, () => ({}));
});

export async function workflows(): Promise<void> {
  const run = await runWorkflow(daily, { day: "monday" }, { slots: 1, tasks: { load: { loaded: "x" } } });
  is<Equal<typeof run, WorkflowReport>>();
  await runWorkflow(plain);
  await runWorkflow(plain, {}, { tasks: { load: async (_context, handle) => handle.checkpoint() } });
  // @ts-expect-error the workflow needs its input
  await runWorkflow(daily);
  // @ts-expect-error day is a text
  await runWorkflow(daily, { day: 1 });
  // @ts-expect-error no option of that name
  await runWorkflow(plain, {}, { slot: 1 });
  await runTask(daily, "load", { context: { day: "monday" } });
}
