/** Reads what a `Packer` has written. */
import { MAX_NAMES } from "./packer.js";

/** A row that says nothing sensible: the file is damaged. */
export class DamagedRow extends Error {}

/** Reads of a row; what is damaged is told with the name of what it is of. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DamagedRow(`${what} cannot be read: ${why}`, { cause: error });
  }
}

export class Unpacker {
  #at = 1;
  readonly #names: string[] = [];

  /** Throws when the row is of another format. */
  constructor(
    readonly bytes: Buffer,
    format: number,
  ) {
    if (bytes[0] !== format) throw new Error(`a row begins with ${bytes[0] ?? "nothing"} and not with ${format}`);
  }

  byte(): number {
    const byte = this.bytes[this.#at++];
    if (byte === undefined) throw this.#endsTooEarly();
    return byte;
  }

  number(): number {
    const code = this.#varint();
    if (code === 0) return this.#double();
    return code % 2 === 0 ? code / 2 - 1 : (1 - code) / 2;
  }

  text(): string {
    const length = this.number();
    const end = this.#at + length;
    if (!(length >= 0 && end <= this.bytes.length)) throw new Error(`a row has no text of ${length} bytes`);
    const value = this.bytes.toString("utf8", this.#at, end);
    this.#at = end;
    return value;
  }

  name(): string {
    const place = this.number();
    if (place === 0) {
      const value = this.text();
      if (this.#names.length < MAX_NAMES) this.#names.push(value);
      return value;
    }
    const known = this.#names[place - 1];
    if (known === undefined) throw new Error(`a row refers to name ${place} of ${this.#names.length}`);
    return known;
  }

  json<T>(): T {
    return JSON.parse(this.text()) as T;
  }

  #double(): number {
    const at = this.#at;
    this.#at += 8;
    if (this.#at > this.bytes.length) throw this.#endsTooEarly();
    return this.bytes.readDoubleLE(at);
  }

  #endsTooEarly(): Error {
    return new Error(`a row of ${this.bytes.length} bytes ends too early`);
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
}
