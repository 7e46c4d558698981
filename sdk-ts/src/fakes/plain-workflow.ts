import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";

export type Code = Partial<ResolvedTask> & Pick<ResolvedTask, "fn">;

/** A task from its code, as a builder would resolve it. It gets a handle when it has a second parameter. */
export function plainTask(id: string, code: Code | Code["fn"]): ResolvedTask {
  const task = typeof code === "function" ? { fn: code } : code;
  return { id, dependencies: [], wantsHandle: task.fn.length > 1, ...task };
}

/** A workflow from tasks by id; each depends on those that it names. */
export function plainWorkflow(name: string, tasks: Readonly<Record<string, Code | Code["fn"]>>): WorkflowDefinition {
  return { name, description: "", tags: {}, tasks: Object.entries(tasks).map(([id, code]) => plainTask(id, code)) };
}
