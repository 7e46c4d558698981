/**
 * What the engine takes from outside: time, randomness, ids. A simulation replaces all three.
 */

/**
 * The engine's clock, in milliseconds since the Unix epoch. Within one process it follows monotonic time, so that
 * deadlines and liveness do not jump when somebody sets the machine's clock (P5).
 */
export interface Clock {
  now(): number;
  /**
   * It has been this late already, as a store says that was written before. A clock that was set back meanwhile would let
   * retries, deadlines and timeouts wait for as long as it was set back. Left out by clocks that nobody sets.
   */
  notBefore?(at: number): void;
}

/** Ids that are unique for ever. */
export interface Ids {
  /** Sorts by time of creation, as far as one process can. */
  runId(now: number): string;
  sessionId(): string;
  /** Not guessable. */
  secret(): string;
}
