/** A growing buffer that protobuf is written into: the primitives of the wire format. */
import { Buffer } from "node:buffer";

/** Texts up to this length are copied unit by unit: a call into Node costs more than they do. */
const SHORT_TEXT = 48;

export class ByteSink {
  #bytes = Buffer.allocUnsafe(64 * 1024);
  #at = 0;

  /** What was written since the last call, as a copy. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#at = 0;
  }

  /** A number from 0 to 2^32 - 1. */
  uint32(value: number): void {
    this.#reserve(5);
    this.#varint(value);
  }

  /** A negative number takes ten bytes, as if it had 64 bits. */
  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.uint64(BigInt(value));
  }

  sint32(value: number): void {
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  uint64(value: bigint): void {
    this.#reserve(10);
    if (value >= 0n && value <= 0xffffffffn) {
      this.#varint(Number(value));
      return;
    }
    const bits = BigInt.asUintN(64, value);
    let high = Number(bits >> 32n);
    let low = Number(bits & 0xffffffffn);
    while (high > 0) {
      this.#bytes[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#varint(low);
  }

  /** A text with its length before it. */
  text(value: string): void {
    const { length } = value;
    if (length > SHORT_TEXT || !this.#ascii(value)) this.#utf8(value);
  }

  /**
   * Begins something whose length comes before it, and guesses the length's own length; `end` with what this returned
   * says how long that was in the end.
   */
  begin(lengthBytes: number): number {
    this.#reserve(lengthBytes);
    this.#at += lengthBytes;
    return this.#at;
  }

  end(start: number, guessed: number): number {
    const length = this.#at - start;
    const needed = varintBytes(length);
    if (needed !== guessed) {
      this.#reserve(needed);
      this.#bytes.copyWithin(start - guessed + needed, start, this.#at);
    }
    this.#at = start - guessed;
    this.#varint(length);
    this.#at += length;
    return needed;
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
    bytes[this.#at] = length;
    this.#at = at;
    return true;
  }

  #utf8(value: string): void {
    const length = Buffer.byteLength(value);
    this.#reserve(length + 5);
    this.#varint(length);
    this.#at += this.#bytes.write(value, this.#at, length, "utf8");
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
