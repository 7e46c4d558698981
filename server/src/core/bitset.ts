const BITS = 32;

/** A set of small whole numbers, below the capacity it was made with. */
export class Bitset {
  readonly #words: Uint32Array;

  constructor(capacity: number) {
    this.#words = new Uint32Array(Math.ceil(capacity / BITS));
  }

  /** Memory of its members, in bytes. */
  get byteLength(): number {
    return this.#words.byteLength;
  }

  has(member: number): boolean {
    return member >= 0 && ((this.#words[member >>> 5] ?? 0) & (1 << (member & 31))) !== 0;
  }

  add(member: number): void {
    const word = member >>> 5;
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (member & 31));
  }

  /** Adds all members of a set of the same capacity. */
  addAll(other: Bitset): void {
    const theirs = other.#words;
    for (let word = 0; word < theirs.length; word++) {
      const more = theirs[word] ?? 0;
      if (more !== 0) this.#words[word] = (this.#words[word] ?? 0) | more;
    }
  }

  /** The members in growing order. */
  *[Symbol.iterator](): Generator<number> {
    for (let word = 0; word < this.#words.length; word++) {
      let left = this.#words[word] ?? 0;
      while (left !== 0) {
        const bit = BITS - 1 - Math.clz32(left & -left);
        yield word * BITS + bit;
        left &= left - 1;
      }
    }
  }
}
