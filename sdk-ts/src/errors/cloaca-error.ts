import { brandError, hasBrand } from "./brand.js";

/** What any error of the SDK can carry besides its code and message. */
export interface ErrorOptions {
  /** What led to the error. */
  readonly cause?: unknown;
}

/**
 * Every error of the SDK is one, with a `code` that stays the same for ever: programs compare codes, people read messages.
 *
 * `instanceof` goes by a brand, so that it also holds for errors of a second copy of the package in the same process.
 */
export class CloacaError extends Error {
  /** Stable code in upper snake case, for example `DEFINITION_INVALID`. */
  readonly code: string;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }

  static {
    brandError(CloacaError, "CloacaError");
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of instanceof
    return hasBrand(this, value);
  }
}
