/** Code of a test that is under way: a task, a condition, a callback. */
export class Activity {
  /** What it waits for that the virtual clock brings, in words. */
  readonly #waits = new Set<{ readonly what: string }>();

  /** @param label names it in messages: `task "load" (attempt 1)` */
  constructor(readonly label: string) {}

  /** Whether its code runs, or waits for something of which the clock knows nothing. */
  get isBusy(): boolean {
    return this.#waits.size === 0;
  }

  /** What it waits for. */
  get waitsFor(): string[] {
    return [...this.#waits].map(({ what }) => what);
  }

  /** It waits for the clock until the returned function is called. */
  park(what: string): () => void {
    const wait = { what };
    this.#waits.add(wait);
    return () => this.#waits.delete(wait);
  }
}
