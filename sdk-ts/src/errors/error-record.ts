import { CloacaError } from "./cloaca-error.js";

/** Code of an error that carries none of its own. */
const TASK_FAILED = "TASK_FAILED";

/** Causes that are followed. */
const MAX_CAUSES = 5;

/**
 * What was thrown, as a record that can be read, logged and sent. Made with {@link ErrorRecord.from}, the one door for
 * everything that a `catch` can catch: JavaScript can throw anything.
 */
export class ErrorRecord {
  /** Stable code: the code of a `CloacaError`, else `TASK_FAILED`. */
  readonly code: string;
  /** Name of the error's type, for example `TypeError`; for something that is no Error, what it is: `string`, `null`. */
  readonly type: string;
  /** The error's message. */
  readonly message: string;
  /** The stack, with those of its causes, when there is one. */
  declare readonly stack?: string;

  private constructor(code: string, type: string, message: string, stack: string | undefined, thrown: unknown) {
    this.code = code;
    this.type = type;
    this.message = message;
    if (stack !== undefined) this.stack = stack;
    // Not part of the record: it is not to be logged or sent twice.
    Object.defineProperty(this, "thrown", { value: thrown });
  }

  /** What was thrown, itself. */
  declare readonly thrown: unknown;

  /** The record of anything that was thrown. A record stays itself. Never throws. */
  static from(thrown: unknown): ErrorRecord {
    try {
      if (thrown instanceof ErrorRecord) return thrown;
      if (isError(thrown)) {
        const { name, message } = thrown;
        return new ErrorRecord(codeOf(thrown), typeName(name), String(message), stackOf(thrown), thrown);
      }
      return new ErrorRecord(TASK_FAILED, kindOf(thrown), `thrown: ${show(thrown)}`, undefined, thrown);
    } catch {
      // A proxy or a getter that throws: there is nothing more to learn.
      return new ErrorRecord(TASK_FAILED, typeof thrown, "thrown: a value that cannot be read", undefined, thrown);
    }
  }

  /** `TypeError: boom`. */
  toString(): string {
    return `${this.type}: ${this.message}`;
  }
}

/** What was thrown, as a record. The same as {@link ErrorRecord.from}. */
export function errorRecord(thrown: unknown): ErrorRecord {
  return ErrorRecord.from(thrown);
}

/** Errors of another realm (a vm context, a worker) are errors too. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function codeOf(error: Error): string {
  return error instanceof CloacaError ? error.code : TASK_FAILED;
}

function typeName(name: unknown): string {
  return typeof name === "string" && name !== "" ? name : "Error";
}

function stackOf(error: Error): string | undefined {
  const stacks: string[] = [];
  let next: unknown = error;
  for (let depth = 0; depth <= MAX_CAUSES && next !== undefined && next !== null; depth++) {
    const stack = isError(next) ? next.stack : show(next);
    if (typeof stack === "string") stacks.push(depth === 0 ? stack : `caused by: ${stack}`);
    next = isError(next) ? next.cause : undefined;
  }
  return stacks.length > 0 ? stacks.join("\n") : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "Object";
}

/** Longest text of a thrown value that a message repeats, in UTF-16 units. */
const SHOWN = 500;

function show(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : plainText(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
}

function plainText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value) ?? Object.prototype.toString.call(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
