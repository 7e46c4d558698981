/** The code of one lease at a host: it goes through its script, and does what the scheduler says of the lease. */
import type { LeaseGrant } from "../../server/src/core/grants.js";
import type { Patch } from "../../server/src/core/model.js";
import type { LeaseVerdict, ListedLease } from "../../server/src/store/store.js";
import type { SimulatedHost } from "./host.js";
import { type Step, scriptOf, WORKFLOWS } from "./workflows.js";

export type LocalState = "RUNNING" | "DEFERRING" | "DEFERRED" | "RECLAIMING" | "FINISHED" | "ENDING";

/** Checkpoints of one execution, and of all that came before it, are smaller than the next execution's. */
const CHECKPOINTS_PER_EXECUTION = 1_000;

export class TaskExecution {
  state: LocalState = "RUNNING";
  /** Of the slot: a deferred lease that is cancelled has none to give back. */
  holdsSlot = true;
  #n = 0;
  #metAt = 0;
  #pollMs = 0;
  #at = 0;
  #isStopped = false;
  readonly #script: readonly Step[];

  constructor(
    readonly host: SimulatedHost,
    readonly lease: LeaseGrant,
  ) {
    this.#script = scriptOf(host.world.seed, lease.run.workflow, lease.run.id, lease.taskId, lease.attempt);
  }

  get leaseId(): string {
    return this.lease.leaseId;
  }

  /** Run and task, by index: what all executions of the task have in common. */
  get taskRun(): string {
    return `${this.lease.run.id}#${this.#index}`;
  }

  start(): void {
    const done = Number(this.lease.checkpoint?.set["done"] ?? 0);
    const least = this.host.facts.checkpoint(this.taskRun);
    // A lease that came late may be anybody's by now.
    const isCurrent = this.host.facts.isCurrent(this.leaseId);
    if (isCurrent) this.#checkInput();
    if (isCurrent && done < least)
      this.host.facts.breach(`host: ${this.leaseId} starts from checkpoint ${done}, ${least} was receipted`);
    if (this.lease.checkpoint?.set["attempt"] === String(this.lease.attempt)) {
      this.#at = done % CHECKPOINTS_PER_EXECUTION;
    }
    this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  listed(): ListedLease {
    const state = this.state === "ENDING" || this.state === "RUNNING" ? "HELD" : this.state;
    return { leaseId: this.leaseId, state, deferral: this.#n };
  }

  deferred(n: number): void {
    if (n !== this.#n || this.state !== "DEFERRING") return;
    this.host.facts.told(`defer:${this.leaseId}:${n}`);
    this.state = "DEFERRED";
    this.holdsSlot = false;
    this.#poll(n);
  }

  granted(n: number, _outcome: "MET" | "MAX_WAIT"): void {
    if (n !== this.#n || (this.state !== "DEFERRING" && this.state !== "DEFERRED" && this.state !== "RECLAIMING"))
      return;
    this.host.facts.told(`resumed:${this.leaseId}:${n}`);
    this.state = "RUNNING";
    this.holdsSlot = true;
    this.#at++;
    this.#run();
  }

  /** P3: the lease is fenced; the code notices after a while, or comes to its end before. */
  cancel(): void {
    if (this.state === "FINISHED" || this.state === "ENDING") return;
    const { host, leaseId } = this;
    // What was about to wait outside does not run.
    if (this.state !== "RUNNING") this.holdsSlot = false;
    this.state = "ENDING";
    this.#isStopped = true;
    const isLate = host.world.random.chance(0.3);
    host.after(host.world.random.int(0, 1_500), () => {
      if (host.leases.get(leaseId) !== this) return;
      this.holdsSlot = false;
      if (isLate) host.say({ type: "complete", leaseId, patch: this.#output() });
      else host.say({ type: "stopped", leaseId });
    });
  }

  /** P12: a lease without a slot is handed back. */
  handBack(): void {
    if (this.state !== "DEFERRED" && this.state !== "RECLAIMING") return;
    this.state = "FINISHED";
    this.host.say({ type: "decline", leaseId: this.leaseId, patch: null, reason: "drains" });
  }

  /** P6: the books' answer; what was said and has no receipt is said again after it. */
  verdict({ state, deferral, outcome }: LeaseVerdict): void {
    if (state === "ENDING") this.cancel();
    // Its end is in the books, only the receipt was lost.
    if (state === "FINISHED") this.holdsSlot = false;
    if (deferral !== this.#n) return;
    if (state === "HELD" && outcome !== null) this.granted(deferral, outcome);
    if (state === "DEFERRED" || state === "RECLAIMING") this.deferred(deferral);
  }

  checkpointed(patch: Patch): void {
    this.host.facts.checkpointed(this.taskRun, this.lease.fence, Number(patch.set["done"]));
  }

  #run(): void {
    const step = this.#script[this.#at];
    if (this.#isStopped || step === undefined) return;
    const { host, leaseId } = this;
    switch (step.type) {
      case "work":
        host.after(step.ms, () => this.#next());
        return;
      case "checkpoint": {
        const done = this.lease.fence * CHECKPOINTS_PER_EXECUTION + this.#at + 1;
        const set = { done: String(done), attempt: String(this.lease.attempt) };
        host.say({ type: "checkpoint", leaseId, patch: { set, removed: [] } });
        this.#next();
        return;
      }
      case "defer":
        this.state = "DEFERRING";
        this.#n++;
        this.#metAt = host.world.time.now() + step.metAfterMs;
        this.#pollMs = step.pollMs;
        host.say({
          type: "defer",
          leaseId,
          n: this.#n,
          pollIntervalMs: step.pollMs,
          maxWaitMs: step.maxWaitMs,
          description: "",
          patch: null,
        });
        return;
      case "decline":
        // P12: never to this session again: somebody else must be able to take it in the end.
        if (!host.mayDecline) {
          this.#next();
          return;
        }
        this.state = "FINISHED";
        host.say({ type: "decline", leaseId, patch: null, reason: "not here" });
        return;
      case "complete":
        this.state = "FINISHED";
        host.say({ type: "complete", leaseId, patch: this.#output() });
        return;
      case "fail":
        this.state = "FINISHED";
        host.say({
          type: "fail",
          leaseId,
          failure: { code: "TASK_FAILED", type: "Error", message: `attempt ${this.lease.attempt}`, stack: "" },
          kind: { transient: step.transient, final: false, nextDelayMs: null },
        });
        return;
    }
  }

  #next(): void {
    if (this.#isStopped || this.state !== "RUNNING") return;
    this.#at++;
    this.#run();
  }

  #poll(n: number): void {
    if (this.#isStopped || this.state !== "DEFERRED" || this.#n !== n) return;
    const { host, leaseId } = this;
    if (host.world.time.now() >= this.#metAt) {
      this.state = "RECLAIMING";
      host.say({ type: "reclaim", leaseId, n });
    } else host.after(this.#pollMs, () => this.#poll(n));
  }

  #output(): Patch {
    return { set: { [`by ${this.lease.taskId}`]: JSON.stringify(this.leaseId) }, removed: [] };
  }

  /** What the dependencies left behind is what they were receipted for. */
  #checkInput(): void {
    const { input, taskId, run } = this.lease;
    const definition = WORKFLOWS.find((w) => w.name === run.workflow)?.tasks.find((t) => t.id === taskId);
    if (definition === undefined || definition.rule !== undefined) return;
    for (const dependency of definition.dependencies) {
      const by = input[`by ${dependency}`];
      const lease = by === undefined ? "" : String(JSON.parse(by));
      if (!this.host.facts.has(`complete:${lease}`)) {
        this.host.facts.breach(
          `host: ${this.leaseId} has a context of ${dependency} by ${by}, which never completed it`,
        );
      }
    }
  }

  get #index(): number {
    const definition = WORKFLOWS.find((w) => w.name === this.lease.run.workflow);
    return definition?.tasks.findIndex((t) => t.id === this.lease.taskId) ?? -1;
  }
}
