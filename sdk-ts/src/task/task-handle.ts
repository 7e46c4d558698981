/** What a condition returns while it does not hold. `void` stands for a condition that returns nothing: it never holds. */
// biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return statement returns
type Falsy = false | 0 | 0n | "" | null | undefined | void;

/** What `deferUntil` resolves to: the condition's value, without those that mean "not yet". */
export type Truthy<T> = T extends Falsy ? never : T;

/** How a deferral waits. */
export interface DeferOptions {
  /** Time between two calls of the condition, in milliseconds. 1000 by default. */
  readonly pollIntervalMs?: number;
  /** Longest wait, in milliseconds, until `deferUntil` throws a DeferTimeoutError. No limit by default. */
  readonly maxWaitMs?: number;
  /** What is waited for, for people who look at the run: `"the file of the day"`. */
  readonly describe?: string;
}

/** What a task can do with its concurrency slot while it runs. */
export interface TaskHandle {
  /**
   * Gives the slot to other work until `condition` returns something truthy, takes a slot again and returns that value. Local
   * variables stay as they are. What the context holds until then is committed, as `checkpoint` does.
   *
   * The condition may be async; its calls never overlap. When it throws, the task takes a slot again and the error is thrown
   * here.
   *
   * @param condition called at once, and then every poll interval
   * @param poll poll interval in milliseconds (1000 by default), or options
   * @throws DeferTimeoutError when `maxWaitMs` is over; the task has its slot again
   * @throws HandleConsumedError when the task has ended, or already waits in another deferral
   * @throws SlotsClosedError when the host shuts down meanwhile
   * @throws CancelledError when the task is told to stop
   * @throws HandleMissingError when the task was called directly, with `noHandle`
   */
  deferUntil<T>(condition: () => T | PromiseLike<T>, poll?: number | DeferOptions): Promise<Truthy<T>>;

  /**
   * Whether the task holds a slot now: true but for the time in a deferral.
   *
   * @throws HandleConsumedError when the task has ended
   */
  isSlotHeld(): boolean;

  /**
   * Commits what was set and removed so far. It stays whatever becomes of this attempt: the next execution of the task starts
   * from there.
   *
   * @throws HandleConsumedError when the task has ended
   */
  checkpoint(): Promise<void>;

  /** Aborted when the task is told to stop; its `reason` is a CancelledError. Pass it on to `fetch` and the like. */
  readonly signal: AbortSignal;

  /** Grows with every lease of this task in this run. A system that remembers it can refuse what an older lease does. */
  readonly fence: number;

  /** The counted execution: 1, and more after retries. */
  readonly attempt: number;

  /** Id of this execution, unique for ever. */
  readonly leaseId: string;
}
