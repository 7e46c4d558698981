import type { View } from "../core/merge.js";
import type { Graph, Run, RunEvent, TaskRun } from "../core/model.js";
import type { FailureKind } from "../core/retry.js";
import type { DecisionLimits, RunChanges, RunDraft } from "../core/run-draft.js";
import { startRun } from "../core/run-machine.js";
import type { EventDraft } from "../core/task-machine.js";
import { initialTaskRun } from "../core/task-run.js";

/** A run in plain arrays, for tests of decisions without a store. */
export class PlainDraft implements RunDraft {
  readonly events: RunEvent[] = [];
  readonly #tasks: TaskRun[];
  readonly #outputs: (View | undefined)[] = [];
  #run: Run;

  constructor(
    readonly graph: Graph,
    run: Partial<Run> = {},
  ) {
    this.#run = {
      ...NEW_RUN,
      workflow: graph.definition.name,
      version: graph.version,
      open: graph.tasks.length,
      ...run,
    };
    this.#tasks = graph.tasks.map(({ index, dependencies }) =>
      initialTaskRun(this.#run.id, index, dependencies.length),
    );
  }

  /** A run that has been started. */
  static started(graph: Graph, limits: DecisionLimits, now: number, run: Partial<Run> = {}): PlainDraft {
    const draft = new PlainDraft(graph, run);
    startRun(draft, limits, now);
    return draft;
  }

  run(): Run {
    return this.#run;
  }

  changeRun(changes: RunChanges): void {
    this.#run = { ...this.#run, ...changes };
  }

  task(index: number): TaskRun {
    const task = this.#tasks[index];
    if (task === undefined) throw new Error(`there is no task ${index}`);
    return task;
  }

  tasks(): readonly TaskRun[] {
    return this.#tasks;
  }

  setTask(task: TaskRun): void {
    this.#tasks[task.task] = task;
  }

  log(event: EventDraft): void {
    const seq = this.#run.eventSeq + 1;
    this.#run = { ...this.#run, eventSeq: seq };
    this.events.push({ ...event, seq });
  }

  output(index: number): View | undefined {
    return this.#outputs[index];
  }

  setOutput(index: number, view: View | undefined): void {
    this.#outputs[index] = view;
  }

  /** Types of the events since a number of them. */
  types(from = 0): string[] {
    return this.events.slice(from).map((event) => event.type);
  }

  /** Slots that the log says are held. */
  slotsByLog(): number {
    return this.events.reduce((sum, { slotDelta = 0 }) => sum + slotDelta, 0);
  }
}

/** A failure of which its host says nothing special. */
export const PLAIN_FAILURE: FailureKind = { transient: false, final: false, nextDelayMs: null };

/** A run of which nothing special is said. */
export const NEW_RUN: Run = {
  id: "r1",
  namespace: "default",
  workflow: "",
  version: "",
  status: "PENDING",
  priority: 0,
  labels: {},
  traceparent: "",
  requestId: "",
  timeoutMs: 0,
  input: {},
  createdAt: 0,
  startedAt: null,
  finishedAt: null,
  deadlineAt: null,
  retriedBy: "",
  reason: "",
  open: 0,
  failed: 0,
  eventSeq: 0,
};
