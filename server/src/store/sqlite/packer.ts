/**
 * Writes rows as bytes: what stands in most of them is small numbers, and names that a row says again and again. Rows of JSON
 * took about seven times as much room, and a third of a busy scheduler's time.
 *
 * - A number is a variable-length integer, as protobuf's: 2n + 2, or -2n + 1 below zero; 0 announces eight bytes of a double.
 * - A text is the number of its bytes and they as UTF-8.
 * - A name is a text that the row may have said before: then the number of its place among the row's names, else 0 and the text.
 *   The first 64 are counted.
 */
import { Buffer } from "node:buffer";

/** Names that a row refers back to. */
export const MAX_NAMES = 64;
/** Twice as much is still an exact integer. */
const LARGEST = 2 ** 52 - 1;
/** Texts up to this length are copied unit by unit: a call into Node costs more than they do. */
const SHORT_TEXT = 48;

export class Packer {
  #bytes = Buffer.allocUnsafe(16 * 1024);
  #at = 0;
  readonly #names: string[] = [];

  /** Begins a row; `format` is its first byte. */
  begin(format: number): void {
    this.#at = 0;
    this.#names.length = 0;
    this.byte(format);
  }

  /** The row, until the next one begins. */
  end(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** From 0 to 255. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  number(value: number): void {
    this.#reserve(9);
    // Nearly all are small, or times of today.
    if (value >= 0 && value < 0x3fffffff && (value | 0) === value) this.#varint31(2 * value + 2);
    else if (Number.isInteger(value) && Math.abs(value) <= LARGEST) {
      this.#varint(value >= 0 ? 2 * value + 2 : -2 * value + 1);
    } else {
      this.#bytes[this.#at] = 0;
      this.#at = this.#bytes.writeDoubleLE(value, this.#at + 1);
    }
  }

  text(value: string): void {
    const { length } = value;
    if (length <= SHORT_TEXT && this.#ascii(value)) return;
    const bytes = Buffer.byteLength(value);
    this.number(bytes);
    this.#reserve(bytes);
    this.#at += this.#bytes.write(value, this.#at, bytes, "utf8");
  }

  name(value: string): void {
    const names = this.#names;
    for (let i = 0; i < names.length; i++) {
      if (names[i] !== value) continue;
      this.number(i + 1);
      return;
    }
    if (names.length < MAX_NAMES) names.push(value);
    this.number(0);
    this.text(value);
  }

  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }

  #ascii(value: string): boolean {
    const { length } = value;
    this.#reserve(length + 1);
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) return false;
      bytes[at++] = unit;
    }
    bytes[this.#at] = 2 * length + 2;
    this.#at = at;
    return true;
  }

  #varint31(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.#at++] = rest;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.#bytes[this.#at++] = (rest % 128) | 0x80;
    this.#varint31(rest);
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
