/** Waits between two tries to connect: growing, capped, spread, so that a thousand hosts do not come back as one. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 100, maxMs: 10_000, random: Math.random };

/** As gRPC's own: https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md */
const GROWTH = 1.6;

export class Backoff {
  #failures = 0;

  constructor(readonly options: BackoffOptions = DEFAULT_BACKOFF) {}

  /**
   * The next wait, in milliseconds: uniform between half of the step and the step.
   *
   * @param capMs no step is longer than this either; the spread stays
   */
  next(capMs: number = Number.POSITIVE_INFINITY): number {
    const { firstMs, maxMs, random } = this.options;
    const step = Math.min(maxMs, capMs, firstMs * GROWTH ** Math.min(this.#failures, 50));
    this.#failures++;
    return step / 2 + (step / 2) * random();
  }

  /** A connection served: the next failure is a first one. */
  reset(): void {
    this.#failures = 0;
  }
}
