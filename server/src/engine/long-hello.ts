/** A `Hello` that goes on in chunks, as far as it was said. Nothing waits for its end but memory, so that has a bound. */
import { CloacaError } from "../core/errors.js";
import type { Hello, HelloChunk } from "./events.js";

/** A Hello with all its chunks, in messages of the largest size. */
const MAX_MESSAGES = 16;
/** What each of them costs in memory besides what it says, about: small chunks are the dearest. */
const PART_BYTES = 256;

export class LongHello {
  // Each chunk adds to these: to copy them every time would make many small chunks cost the square of their number.
  readonly #definitions: Hello["definitions"][number][];
  readonly #implementations: Hello["implementations"][number][];
  readonly #held: Hello["held"][number][];
  readonly #maxBytes: number;
  #bytes: number;

  /** `bytes` is what the first part took on the wire. */
  constructor(
    readonly first: Hello,
    bytes: number,
    maxMessageBytes: number,
  ) {
    this.#bytes = bytes + PART_BYTES;
    this.#definitions = [...first.definitions];
    this.#implementations = [...first.implementations];
    this.#held = [...first.held];
    this.#maxBytes = MAX_MESSAGES * maxMessageBytes;
  }

  /** Returns what is wrong with it; null when it goes on. */
  add(chunk: HelloChunk, bytes: number): CloacaError | null {
    this.#bytes += bytes + PART_BYTES;
    if (this.#bytes > this.#maxBytes) {
      return new CloacaError(
        "REQUEST_INVALID",
        `hello: it has more than ${this.#maxBytes} bytes with all its chunks; register the rest once the session is open`,
      );
    }
    for (const definition of chunk.definitions) this.#definitions.push(definition);
    for (const implementation of chunk.implementations) this.#implementations.push(implementation);
    for (const lease of chunk.held) this.#held.push(lease);
    return null;
  }

  /** All of it, once it is over. */
  get whole(): Hello {
    const [definitions, implementations, held] = [this.#definitions, this.#implementations, this.#held];
    return { ...this.first, definitions, implementations, held, more: false };
  }
}
