import type { View } from "../../core/merge.js";
import type { Graph, Run, RunEvent, TaskRun } from "../../core/model.js";
import type { RunChanges, RunDraft } from "../../core/run-draft.js";
import type { EventDraft } from "../../core/task-machine.js";
import { initialTaskRun } from "../../core/task-run.js";
import type { DeadlineNode } from "./deadlines.js";
import type { ReadyEntry } from "./dispatch.js";

/** Who hears of each change of a live run, so that indexes follow and a failed commit can be taken back. */
export interface RunObserver {
  dirty(run: LiveRun): void;
  taskChanged(run: LiveRun, before: TaskRun, after: TaskRun): void;
  /** The run's status or deadline has changed. */
  runChanged(run: LiveRun): void;
}

type MutableEvent = EventDraft & { seq: number };
type MutableRun = { -readonly [K in keyof Run]: Run[K] };

/**
 * A run that has not ended, in memory. It is its own draft: a change applies at once, the first value of each changed part
 * is kept until the commit, and `rollBack` restores it.
 */
export class LiveRun implements RunDraft {
  /** Values before the turn, of what the turn changed. */
  readonly before = new Map<number, TaskRun>();
  runBefore: Run | null = null;
  /** Events that the turn appended. */
  events: RunEvent[] = [];
  /** Where they will stand in the log. */
  position = 0;
  isDirty = false;
  /** Started in this turn. */
  isNew = false;
  /** Before the turn it had ended, and no fenced lease of it was left. */
  hadFinished = false;
  /** By task. Not maps: most runs have few tasks, and many runs are alive. */
  readonly ready: (ReadyEntry | undefined)[] = [];
  readonly deadlines: (DeadlineNode | undefined)[] = [];
  ownDeadline: DeadlineNode | undefined = undefined;
  /** Whether its ready task runs stand in queues: neither it nor its workflow is paused. */
  isClaimable = true;
  /** Places in the queue of task runs that left it in this turn; a failed commit puts them back. */
  readonly leftReady: (number | undefined)[] = [];
  /** Fenced leases whose hosts have not stopped them. A run with some stays live even when it has ended. */
  endings = 0;
  #run: MutableRun;
  readonly #tasks: (TaskRun | undefined)[];
  #outputs: (View | undefined)[] | null = null;

  constructor(
    readonly number: number,
    readonly graph: Graph,
    run: Run,
    tasks: readonly (TaskRun | undefined)[],
    readonly observer: RunObserver,
  ) {
    this.#run = run;
    this.#tasks = tasks.length > 0 ? tasks.slice() : new Array<TaskRun | undefined>(graph.tasks.length);
  }

  run(): Run {
    return this.#run;
  }

  changeRun(changes: RunChanges): void {
    Object.assign(this.#changing(), changes);
    if (changes.status !== undefined) this.observer.runChanged(this);
  }

  task(index: number): TaskRun {
    const known = this.#tasks[index];
    if (known !== undefined) return known;
    // Most task runs of a wide graph wait for long: they are made when somebody asks.
    const graphTask = this.graph.tasks[index];
    if (graphTask === undefined) throw new Error(`run ${this.#run.id} has no task ${index}`);
    const initial = initialTaskRun(this.#run.id, index, graphTask.dependencies.length);
    this.#tasks[index] = initial;
    return initial;
  }

  setTask(task: TaskRun): void {
    const before = this.task(task.task);
    this.#touch();
    if (!this.before.has(task.task)) this.before.set(task.task, before);
    this.#tasks[task.task] = task;
    this.observer.taskChanged(this, before, task);
  }

  log(event: EventDraft): void {
    // Not a copy: a decision makes an event for the log alone, and there are several in each step.
    const numbered = event as MutableEvent;
    numbered.seq = ++this.#changing().eventSeq;
    this.events.push(numbered);
  }

  output(index: number): View | undefined {
    return this.#outputs?.[index];
  }

  setOutput(index: number, view: View | undefined): void {
    this.#outputs ??= new Array<View | undefined>(this.graph.tasks.length);
    this.#outputs[index] = view;
  }

  /** All task runs, in declared order. */
  tasks(): TaskRun[] {
    return this.graph.tasks.map((task) => this.task(task.index));
  }

  /** The changes are durable. */
  settle(): void {
    this.before.clear();
    this.runBefore = null;
    this.events = [];
    this.leftReady.length = 0;
    this.isDirty = false;
    this.isNew = false;
    this.hadFinished = false;
  }

  /** The commit failed: everything is as before the turn. */
  rollBack(): void {
    for (const [index, task] of this.before) {
      const after = this.task(index);
      this.#tasks[index] = task;
      this.observer.taskChanged(this, after, task);
    }
    if (this.runBefore !== null) this.#run = this.runBefore;
    this.#outputs = null;
    this.observer.runChanged(this);
    this.settle();
  }

  /** The run for changing: a copy of the turn's own, so that whoever has read the run keeps what was read. */
  #changing(): MutableRun {
    this.#touch();
    if (this.runBefore === null) {
      this.runBefore = this.#run;
      this.#run = { ...this.#run };
    }
    return this.#run;
  }

  #touch(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    this.observer.dirty(this);
  }
}
