// Type tests: tsc checks this file, nothing runs it.
import type { AnyTask, Context, OpenValues, TaskHandle, WorkflowDefinition } from "../task/index.js";
import { task } from "../task/index.js";
import type { Host } from "./host.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_Holds extends true>(): void {}

declare const host: Host;

host.implement("etl", "load", (context, handle) => {
  is<Equal<typeof context, Context<OpenValues>>>();
  is<Equal<typeof handle, TaskHandle>>();
  return { n: context.get<number>("n") };
});
host.implement("etl", "load", async () => {}, { handle: false, onSuccess: (id) => void id, onFailure: () => {} });
host.implement(
  "etl",
  task({ id: "load" }, () => ({ n: 1 })),
);
declare const built: WorkflowDefinition;
for (const each of built.tasks) host.implement("etl", each);

// @ts-expect-error: an id alone has no code
host.implement("etl", "load");
// @ts-expect-error: what a task returns is its context, nothing, or keys to set
host.implement("etl", "load", () => 5);
// @ts-expect-error: retries belong to the graph, which another registers
host.implement("etl", "load", () => {}, { retryAttempts: 3 });
// @ts-expect-error: a function alone has no id
host.implement("etl", () => {});
declare const made: AnyTask;
// @ts-expect-error: a task that was made has its options
host.implement("etl", made, { handle: true });
