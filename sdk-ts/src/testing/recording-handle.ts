/** The handle of a task in a test: passes everything on, scripts conditions, and notes deferrals. */
import { CancelledError, DeferTimeoutError, HandleConsumedError, SlotsClosedError } from "../errors/index.js";
import { checkDeferOptions } from "../runner/defer-options.js";
import type { DeferOptions, TaskHandle, Truthy } from "../task/task-handle.js";
import { Activity } from "./activity.js";
import { type ConditionScript, type ScriptOf, scripted } from "./condition-script.js";
import { TestStuckError } from "./stuck-error.js";
import type { DeferralOutcome, TaskRecord } from "./task-record.js";
import type { World } from "./world.js";

export interface HandleScene {
  readonly world: World;
  readonly record: TaskRecord;
  readonly scriptOf: ScriptOf;
  /** Id of the task. */
  readonly task: string;
  /** The task's own code. */
  readonly activity: Activity;
  /** When nothing but polls happens for so long, in milliseconds of real time, a wait without a limit is stuck. */
  readonly patienceMs: number;
}

/** Polls of a wait without a limit that are never too many. */
const FEW_POLLS = 10_000;

export class RecordingHandle implements TaskHandle {
  #deferrals = 0;
  #asked: Asked | null = null;

  constructor(
    readonly handle: TaskHandle,
    readonly scene: HandleScene,
  ) {}

  get signal(): AbortSignal {
    return this.handle.signal;
  }

  get fence(): number {
    return this.handle.fence;
  }

  get attempt(): number {
    return this.handle.attempt;
  }

  get leaseId(): string {
    return this.handle.leaseId;
  }

  isSlotHeld(): boolean {
    return this.handle.isSlotHeld();
  }

  checkpoint(): Promise<void> {
    return this.handle.checkpoint();
  }

  deferUntil<T>(condition: () => T | PromiseLike<T>, poll?: number | DeferOptions): Promise<Truthy<T>> {
    const result = this.#deferUntil(condition, poll);
    // As the real one: a task that forgot to await it ends no process.
    result.catch(() => {});
    return result;
  }

  /** The task has ended: nobody waits for a condition any more. */
  end(): void {
    this.#asked?.end();
  }

  async #deferUntil<T>(condition: () => T | PromiseLike<T>, poll?: number | DeferOptions): Promise<Truthy<T>> {
    const { world, record, scriptOf, activity } = this.scene;
    const { pollIntervalMs, maxWaitMs, describe = "" } = checkDeferOptions(condition, poll);
    const deferral = ++this.#deferrals;
    const startedAt = world.now();
    const change = record.defer({
      deferral,
      attempt: this.attempt,
      description: describe,
      pollIntervalMs,
      maxWaitMs,
      polls: 0,
      atMs: world.now() - record.beganAt,
      waitedMs: 0,
      outcome: "OPEN",
    });
    const asked = new Asked(this.scene, this.attempt, deferral, scriptOf(deferral), () => world.now() - startedAt);
    this.#asked = asked;
    const what = describe === "" ? "for its condition" : `for "${describe}"`;
    const unpark = world.park(activity, `waits in deferral ${deferral} ${what}`);
    let outcome: DeferralOutcome = "MET";
    try {
      const isUnlimited = maxWaitMs === 0;
      return await this.handle.deferUntil(async () => {
        const value = await asked.poll(condition);
        change({ polls: asked.polls });
        if (!value && isUnlimited && asked.polls >= FEW_POLLS) this.#checkProgress(asked.polls, deferral);
        return value;
      }, poll);
    } catch (error) {
      outcome = outcomeOf(error, asked);
      // It never began: the next one has its number.
      if (error instanceof HandleConsumedError) this.#deferrals--;
      throw error;
    } finally {
      unpark();
      asked.end();
      const waitedMs = world.now() - startedAt;
      const polls = asked.saidNever ? Math.max(asked.polls, Math.floor(waitedMs / pollIntervalMs) + 1) : asked.polls;
      change({ outcome, waitedMs, polls });
    }
  }

  #checkProgress(polls: number, deferral: number): void {
    const { world, patienceMs, task } = this.scene;
    if (world.idleMs < patienceMs) return;
    world.fail(
      new TestStuckError(
        `task "${task}"`,
        `the condition of deferral ${deferral} was asked ${polls} times, over ${world.elapsedMs} ms of virtual time, and never held`,
        ["script it with `conditions`, set `maxWaitMs`, or say `until`"],
      ),
    );
  }
}

function outcomeOf(error: unknown, { threw }: Asked): DeferralOutcome {
  if (threw?.error === error) return "THREW";
  if (error instanceof DeferTimeoutError) return "MAX_WAIT";
  return error instanceof CancelledError || error instanceof SlotsClosedError ? "CANCELLED" : "THREW";
}

/** The calls of one deferral's condition. */
class Asked {
  polls = 0;
  saidNever = false;
  threw: { readonly error: unknown } | null = null;
  #activity: Activity | null = null;

  constructor(
    readonly scene: HandleScene,
    readonly attempt: number,
    readonly deferral: number,
    readonly script: ConditionScript | undefined,
    readonly waitedMs: () => number,
  ) {}

  async poll<T>(condition: () => T | PromiseLike<T>): Promise<T> {
    const { world, task } = this.scene;
    this.polls++;
    const activity = new Activity(`the condition of deferral ${this.deferral} of task "${task}"`);
    this.#activity = activity;
    try {
      return await world.perform(activity, () => this.#ask(condition, activity), false);
    } catch (error) {
      this.threw = { error };
      throw error;
    }
  }

  /** Nobody waits for its answer any more. */
  end(): void {
    if (this.#activity !== null) this.scene.world.forget(this.#activity);
  }

  #ask<T>(condition: () => T | PromiseLike<T>, activity: Activity): T | PromiseLike<T> {
    const { script, deferral, polls: poll } = this;
    if (script === undefined) return condition();
    const { task } = this.scene;
    const said = scripted(script, { task, attempt: this.attempt, deferral, poll, waitedMs: this.waitedMs() });
    // What a script says stands for what the condition would have returned.
    if (said.type === "value") return said.value as T | PromiseLike<T>;
    if (said.type === "error") throw said.error;
    this.saidNever = true;
    this.scene.world.park(activity, "never holds, as its script says");
    return new Promise<never>(() => {});
  }
}
