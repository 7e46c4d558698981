import type { View } from "../core/merge.js";
import type { RunDraft } from "../core/run-draft.js";
import { runOutput } from "../core/run-machine.js";
import { initialTaskRun } from "../core/task-run.js";
import type { RunView } from "./store.js";

/** The final context of a run that was read: its leaves' views, folded. */
export function runContext({ run, graph, tasks }: RunView): View {
  const outputs = new Map<number, View | undefined>();
  const readonly = (): never => {
    throw new Error("a run that was read cannot be changed");
  };
  const draft: RunDraft = {
    graph,
    run: () => run,
    task: (index) => tasks[index] ?? initialTaskRun(run.id, index, 0),
    output: (index) => outputs.get(index),
    setOutput: (index, view) => void outputs.set(index, view),
    changeRun: readonly,
    setTask: readonly,
    log: readonly,
  };
  return runOutput(draft);
}
