/** A `Hello` that goes on in chunks, as far as it was said. Nothing waits for its end but memory, so that has a bound. */
import { CloacaError } from "../core/errors.js";
import type { Hello, HelloChunk } from "./events.js";

/** All chunks of a Hello together, in messages of the largest size. */
const MAX_MESSAGES = 16;
/** What a chunk costs in memory besides what it says, about: small ones are the dearest. */
const CHUNK_BYTES = 256;

export class LongHello {
  // Each chunk adds to these: to copy them every time would make many small chunks cost the square of their number.
  readonly #definitions: Hello["definitions"][number][];
  readonly #implementations: Hello["implementations"][number][];
  readonly #held: Hello["held"][number][];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(
    readonly first: Hello,
    maxMessageBytes: number,
  ) {
    this.#definitions = [...first.definitions];
    this.#implementations = [...first.implementations];
    this.#held = [...first.held];
    this.#maxBytes = MAX_MESSAGES * maxMessageBytes;
  }

  /** Returns what is wrong with it; null when it goes on. */
  add(chunk: HelloChunk, bytes: number): CloacaError | null {
    this.#bytes += bytes + CHUNK_BYTES;
    if (this.#bytes > this.#maxBytes) {
      return new CloacaError(
        "REQUEST_INVALID",
        `hello: its chunks have more than ${this.#maxBytes} bytes together; register the rest once the session is open`,
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
