/**
 * Values by numbers that only grow, to be read in their order from any of them, forwards and backwards, and to be removed
 * anywhere: in blocks, so that removing moves nothing and an empty block is gone.
 */
const BLOCK = 1_024;

interface Block<T> {
  readonly values: (T | undefined)[];
  size: number;
}

export class OrderedLog<T> {
  readonly #blocks: (Block<T> | undefined)[] = [];
  /** No block before this one has anything. */
  #first = 0;

  set(number: number, value: T): void {
    const at = Math.floor(number / BLOCK);
    let block = this.#blocks[at];
    if (block === undefined) {
      block = { values: [], size: 0 };
      while (this.#blocks.length < at) this.#blocks.push(undefined);
      this.#blocks[at] = block;
      this.#first = Math.min(this.#first, at);
    }
    if (block.values[number % BLOCK] === undefined) block.size++;
    block.values[number % BLOCK] = value;
  }

  delete(number: number): void {
    const at = Math.floor(number / BLOCK);
    const block = this.#blocks[at];
    if (block === undefined || block.values[number % BLOCK] === undefined) return;
    block.values[number % BLOCK] = undefined;
    if (--block.size > 0) return;
    this.#blocks[at] = undefined;
    while (this.#first < this.#blocks.length && this.#blocks[this.#first] === undefined) this.#first++;
  }

  /** Those after a number, in order. */
  *after(number: number): Generator<T> {
    const from = Math.max(number + 1, this.#first * BLOCK);
    for (let at = Math.floor(from / BLOCK); at < this.#blocks.length; at++) {
      const values = this.#blocks[at]?.values ?? [];
      for (let i = Math.max(0, from - at * BLOCK); i < values.length; i++) {
        const value = values[i];
        if (value !== undefined) yield value;
      }
    }
  }

  /** Those before a number, the last one first. */
  *before(number: number): Generator<T> {
    const to = Math.min(number, this.#blocks.length * BLOCK) - 1;
    for (let at = Math.floor(to / BLOCK); at >= this.#first; at--) {
      const values = this.#blocks[at]?.values ?? [];
      for (let i = Math.min(values.length - 1, to - at * BLOCK); i >= 0; i--) {
        const value = values[i];
        if (value !== undefined) yield value;
      }
    }
  }
}
