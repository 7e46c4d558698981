/**
 * What a lease's executions have committed so far. It goes out again, whole, in the lease of the next one: so the limit for a
 * patch holds for all of it (P10).
 */
import type { Patch } from "../protocol/words.js";

export class CommittedPatch {
  /** Keys with their JSON text; null for what was removed. */
  readonly #changes = new Map<string, string | null>();
  #bytes = 0;

  constructor(checkpoint: Patch) {
    this.add(checkpoint);
  }

  /** How large it is: UTF-8 bytes of its keys and values, and 16 for each key. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The bytes that it would have with a patch on top. */
  bytesWith(patch: Patch): number {
    let bytes = this.#bytes;
    for (const [key, text] of entriesOf(patch)) bytes += bytesOf(key, text) - this.#bytesAt(key);
    return bytes;
  }

  add(patch: Patch): void {
    this.#bytes = this.bytesWith(patch);
    for (const [key, text] of entriesOf(patch)) this.#changes.set(key, text);
  }

  #bytesAt(key: string): number {
    const text = this.#changes.get(key);
    return text === undefined ? 0 : bytesOf(key, text);
  }
}

/** No key is both set and removed. */
function* entriesOf({ set, removed }: Patch): Iterable<readonly [key: string, text: string | null]> {
  yield* Object.entries(set);
  for (const key of removed) yield [key, null];
}

/** What a key counts besides its text and that of its value, here as in the scheduler. */
const KEY_OVERHEAD_BYTES = 16;

function bytesOf(key: string, text: string | null): number {
  return KEY_OVERHEAD_BYTES + Buffer.byteLength(key) + (text === null ? 0 : Buffer.byteLength(text));
}
