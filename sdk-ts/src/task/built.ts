/** On what was built, for every copy of this package; not enumerable, so that a copy of a workflow with other parts has none. */
const BUILT = Symbol.for("@cloaca/sdk/built");

/** Freezes a workflow that has been checked, and remembers that it was. */
export function markBuilt<Workflow extends object>(workflow: Workflow): Readonly<Workflow> {
  return Object.freeze(Object.defineProperty(workflow, BUILT, { value: true }));
}

/** Whether `buildWorkflow` made it, so that it need not be checked again. */
export function isBuilt(value: object): boolean {
  return Object.hasOwn(value, BUILT);
}
