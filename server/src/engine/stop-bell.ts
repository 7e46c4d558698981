/** Tells those who wait for something that it will not come any more: the scheduler stops. */
export class StopBell {
  readonly #listeners = new Set<() => void>();
  #hasRung = false;

  /** Those who listen. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Calls back once, at once if it has rung, until the returned function is called. */
  listen(listener: () => void): () => void {
    if (this.#hasRung) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ring(): void {
    this.#hasRung = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
