/** The account of one run: its numbers, its status, its task runs. */
import type { RunEvent, RunStatus, TaskRunState } from "../model.js";
import type { AuditGraph, AuditTask } from "./audit-graph.js";
import type { Finding } from "./breach.js";
import { type SlotEntry, TaskAccount } from "./task-account.js";

/** What the store says now of a run, to hold against its log. */
export interface RunBooks {
  readonly status: RunStatus;
  /** Number of its last event; null when the store does not keep it up to date. */
  readonly eventSeq: number | null;
  /** By the index of the task. What is left out is as at the beginning. */
  readonly tasks: ReadonlyMap<number, TaskBooks>;
}

export interface TaskBooks {
  readonly state: TaskRunState;
  readonly attempt: number;
  readonly recovery: number;
  readonly fence: number;
  /** Empty without one. */
  readonly leaseId: string;
}

const UNTOUCHED: TaskBooks = { state: "WAITING", attempt: 0, recovery: 0, fence: 0, leaseId: "" };

const ENDED: ReadonlySet<TaskRunState> = new Set(["SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"]);

export class RunAccount {
  /** Null before its first event. */
  status: RunStatus | null = null;
  /** Number of its last event. */
  seq = 0;
  /** An event is missing: what follows says nothing about what is right. */
  isTorn = false;
  #wasLeased = false;
  #isResetting = false;
  #endings = 0;
  readonly #tasks = new Map<number, TaskAccount>();

  constructor(
    readonly runId: string,
    /** Null when nobody knows it: then less is checked. */
    readonly graph: AuditGraph | null,
  ) {}

  /** It has ended, and so have its fenced leases: no event follows but those of a retry. */
  get isSettled(): boolean {
    return isOver(this.status) && this.#endings === 0;
  }

  /** Enters an event; see `TaskAccount.post`. */
  post(event: RunEvent, tell: (finding: Finding) => void): SlotEntry | null {
    if (!this.#isNext(event, tell)) return null;
    // Where an event is missing, one breach is said, and not all that follow from it.
    const say = this.isTorn ? () => {} : tell;
    if (event.type !== "TASK_RESET") this.#isResetting = false;
    if (event.task === undefined) {
      this.#postRun(event, say);
      return null;
    }
    const wrong = this.#impossible(event);
    if (wrong !== null) {
      say(wrong);
      if (isOver(this.status)) return null;
    }
    const account = this.#tasks.get(event.task) ?? new TaskAccount(this.runId, event.task);
    this.#tasks.set(event.task, account);
    this.#checkDependencies(event, account.state, say);
    const endings = account.endings.size;
    const entry = account.post(event, this.#graphTask(event.task), say);
    this.#endings += account.endings.size - endings;
    if (event.type === "TASK_LEASED") {
      this.#wasLeased = true;
      if (this.status === "PENDING") this.status = "RUNNING";
    }
    return entry;
  }

  /** What the store says otherwise than the log. */
  compare(books: RunBooks): Finding[] {
    const found: Finding[] = [];
    const differ = (what: string, store: string | number, log: string | number): void => {
      if (store !== log)
        found.push({ kind: "BOOKS", found: `${what} ${store} in the store`, right: `${log} by the log` });
    };
    differ("status", books.status, this.status ?? "none");
    if (books.eventSeq !== null) differ("last event", books.eventSeq, this.seq);
    for (const index of new Set([...this.#tasks.keys(), ...books.tasks.keys()])) {
      const log = this.#tasks.get(index) ?? new TaskAccount(this.runId, index);
      const store = books.tasks.get(index) ?? UNTOUCHED;
      const name = this.#name(index);
      differ(`${name}: state`, store.state, log.state);
      differ(`${name}: attempt`, store.attempt, log.attempt);
      differ(`${name}: recovery`, store.recovery, log.recovery);
      differ(`${name}: fence`, store.fence, log.fence);
      differ(`${name}: lease`, store.leaseId || "none", log.lease || "none");
    }
    return found;
  }

  #isNext({ seq, type }: RunEvent, tell: (finding: Finding) => void): boolean {
    const next = this.seq + 1;
    if (seq < next) {
      const right = seq === this.seq ? "each number comes once" : `event ${next}`;
      tell({ kind: "EVENT_SEQ", found: `event ${seq} (${type}) after event ${this.seq}`, right });
      return false;
    }
    if (seq > next && !this.isTorn) {
      const missing = seq === next + 1 ? `event ${next} is` : `events ${next} to ${seq - 1} are`;
      tell({ kind: "EVENT_SEQ", found: `event ${seq} (${type}) after event ${this.seq}`, right: `${missing} missing` });
      this.isTorn = true;
    }
    this.seq = seq;
    return true;
  }

  #postRun({ type }: RunEvent, tell: (finding: Finding) => void): void {
    const { status } = this;
    const impossible = (right: string): void => {
      tell({ kind: "TRANSITION", found: `${type} of a run that is ${status ?? "not there"}`, right });
    };
    switch (type) {
      case "RUN_STARTED":
        if (status !== null) impossible("a run starts once, with its first event");
        else this.status = "PENDING";
        break;
      case "RUN_PAUSED":
        if (status !== "PENDING" && status !== "RUNNING") impossible("a run is paused while it is PENDING or RUNNING");
        else this.status = "PAUSED";
        break;
      case "RUN_RESUMED":
        if (status !== "PAUSED") impossible("a run is resumed while it is PAUSED");
        else this.status = this.#wasLeased ? "RUNNING" : "PENDING";
        break;
      case "RUN_RETRIED":
        if (status !== "FAILED") impossible("a run is retried when it has FAILED");
        this.status = this.#wasLeased ? "RUNNING" : "PENDING";
        this.#isResetting = true;
        break;
      case "RUN_SUCCEEDED":
      case "RUN_FAILED":
      case "RUN_CANCELLED":
        if (status === null || isOver(status)) impossible("a run ends once");
        else this.#checkEnd(type, tell);
        this.status = type === "RUN_SUCCEEDED" ? "SUCCEEDED" : type === "RUN_FAILED" ? "FAILED" : "CANCELLED";
        break;
      default:
        tell({ kind: "TRANSITION", found: `${type} without a task`, right: "it names its task" });
    }
  }

  /** Why a task's event cannot be, as its run stands. */
  #impossible({ type, task = 0 }: RunEvent): Finding | null {
    const { status } = this;
    const found = `${type} of ${this.#name(task)} in a run that is ${status ?? "not there"}`;
    if (status === null) return { kind: "TRANSITION", found, right: "a run's first event is RUN_STARTED" };
    if (isOver(status) && type !== "LEASE_ENDED") {
      return { kind: "TRANSITION", found, right: "after its end only fenced leases end" };
    }
    if (status === "PAUSED" && type === "TASK_LEASED") {
      return { kind: "TRANSITION", found, right: "a paused run gives out no lease" };
    }
    if (type === "TASK_RESET" && !this.#isResetting) {
      return { kind: "TRANSITION", found, right: "tasks begin anew right after RUN_RETRIED" };
    }
    if (this.graph !== null && this.#graphTask(task) === undefined) {
      return { kind: "TRANSITION", found, right: `the workflow has ${this.graph.tasks.length} tasks` };
    }
    return null;
  }

  /** What waits starts, is skipped or is refused when the tasks before it have ended, and as they have. */
  #checkDependencies({ type, task = 0 }: RunEvent, state: TaskRunState, tell: (finding: Finding) => void): void {
    if (state !== "WAITING" || (type !== "TASK_READY" && type !== "TASK_SKIPPED" && type !== "TASK_FAILED")) return;
    const graph = this.#graphTask(task);
    if (graph === undefined) return;
    const { dependencies, hasRule } = graph;
    const open = dependencies.find((d) => !ENDED.has(this.#state(d)));
    const say = (found: string, right: string): void => tell({ kind: "DEPENDENCY", found, right });
    const name = `${type} of ${this.#name(task)}`;
    if (open !== undefined) {
      say(`${name} while ${this.#name(open)} is ${this.#state(open)}`, "after all its dependencies have ended");
      return;
    }
    if (hasRule) return;
    const other = dependencies.find((d) => this.#state(d) !== "SUCCEEDED");
    if (other === undefined && type === "TASK_SKIPPED") {
      say(`${name}, whose dependencies have all succeeded`, "TASK_READY: it has no rule that would skip it");
    } else if (other !== undefined && type !== "TASK_SKIPPED") {
      say(`${name}, though ${this.#name(other)} is ${this.#state(other)}`, "TASK_SKIPPED: it has no rule");
    }
  }

  #checkEnd(type: "RUN_SUCCEEDED" | "RUN_FAILED" | "RUN_CANCELLED", tell: (finding: Finding) => void): void {
    const indexes = this.graph === null ? [...this.#tasks.keys()] : this.graph.tasks.keys();
    let unhandled: number | null = null;
    for (const index of indexes) {
      const state = this.#state(index);
      if (!ENDED.has(state)) {
        const right = "a run ends when all its tasks have ended";
        tell({ kind: "RUN_STATUS", found: `${type} while ${this.#name(index)} is ${state}`, right });
        return;
      }
      if (state === "FAILED" && !this.#isHandled(index)) unhandled ??= index;
    }
    // Only a graph tells which failures are handled.
    if (this.graph === null || type === "RUN_CANCELLED") return;
    const right = unhandled === null ? "RUN_SUCCEEDED" : "RUN_FAILED";
    if (type === right) return;
    const why =
      unhandled === null
        ? "no task has failed without a task that handles it"
        : `${this.#name(unhandled)} has failed, and no task that handles it has succeeded`;
    tell({ kind: "RUN_STATUS", found: type, right: `${right}: ${why}` });
  }

  #isHandled(index: number): boolean {
    return this.#graphTask(index)?.handlers.some((handler) => this.#state(handler) === "SUCCEEDED") ?? false;
  }

  #state(index: number): TaskRunState {
    return this.#tasks.get(index)?.state ?? "WAITING";
  }

  #graphTask(index: number): AuditTask | undefined {
    return this.graph?.tasks[index];
  }

  #name(index: number): string {
    const id = this.#graphTask(index)?.id;
    return id === undefined ? `task ${index}` : `task "${id}"`;
  }
}

function isOver(status: RunStatus | null): boolean {
  return status === "SUCCEEDED" || status === "FAILED" || status === "CANCELLED";
}
