import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";
import { describeProblems, type Problem } from "./problem.js";

/** Why a value cannot enter or leave a context. */
export type ContextValueErrorCode =
  /** The value, or the text on the wire, is not JSON that every language can read. */
  | "CONTEXT_VALUE_INVALID"
  /** The wire holds a number that a JavaScript number cannot hold exactly. */
  | "CONTEXT_NUMBER_UNSAFE";

/** A value that a context cannot hold, or a text of the wire that JavaScript cannot. `path` says where in the value. */
export class ContextValueError extends CloacaError {
  declare readonly code: ContextValueErrorCode;
  /** Where, from the context down: `$.orders[2].at`. */
  readonly path: string;
  /** What is wrong there and what would be right; the message without the path. */
  readonly problem: string;
  /** All of them, where several values were set at once: a result, or what a context is made of. The first is the one above. */
  readonly problems: readonly Problem[];

  constructor(
    code: ContextValueErrorCode,
    path: string,
    problem: string,
    problems: readonly Problem[] = [{ path, message: problem }],
  ) {
    super(code, problems.length === 1 ? `${path}: ${problem}` : describeProblems("the context", problems));
    this.path = path;
    this.problem = problem;
    this.problems = problems;
  }

  static {
    brandError(ContextValueError, "ContextValueError");
  }
}

/** A context key is empty, too long, reserved or not valid text. Code `CONTEXT_KEY_INVALID`. */
export class ContextKeyInvalidError extends CloacaError {
  /** The key. */
  readonly key: unknown;

  constructor(key: unknown, problem: string) {
    super("CONTEXT_KEY_INVALID", problem);
    this.key = key;
  }

  static {
    brandError(ContextKeyInvalidError, "ContextKeyInvalidError");
  }
}

/** `require` or `update` of a key that is not there. Lists what is there. Code `CONTEXT_KEY_MISSING`. */
export class ContextKeyMissingError extends CloacaError {
  /** The key. */
  readonly key: string;
  /** The keys that are there. */
  readonly keys: readonly string[];

  constructor(key: string, keys: readonly string[], hint: string) {
    const there = keys.length === 0 ? "the context is empty" : `there are ${keys.map(quoted).join(", ")}`;
    super("CONTEXT_KEY_MISSING", `the context has no key ${quoted(key)}; ${there}${hint}`);
    this.key = key;
    this.keys = keys;
  }

  static {
    brandError(ContextKeyMissingError, "ContextKeyMissingError");
  }
}

/** `insert` of a key that is already there. Code `CONTEXT_KEY_EXISTS`. */
export class ContextKeyExistsError extends CloacaError {
  /** The key. */
  readonly key: string;

  constructor(key: string) {
    super(
      "CONTEXT_KEY_EXISTS",
      `the context already has the key ${quoted(key)}; use set or update to replace its value`,
    );
    this.key = key;
  }

  static {
    brandError(ContextKeyExistsError, "ContextKeyExistsError");
  }
}

/** A context was changed after its task had ended, so that nobody would get to see it. Code `CONTEXT_CONSUMED`. */
export class ContextConsumedError extends CloacaError {
  /** @param method the method that was called, for example `set` */
  constructor(method: string) {
    super(
      "CONTEXT_CONSUMED",
      `context.${method}: the task has ended, and nothing is sent of it any more; await all that changes the context before it ends`,
    );
  }

  static {
    brandError(ContextConsumedError, "ContextConsumedError");
  }
}

/** What a task did to its context is more than the scheduler takes at once. Final. Code `CONTEXT_TOO_LARGE`. */
export class ContextTooLargeError extends CloacaError {
  /** UTF-8 bytes of the patch: of its keys and values, and of what the task has committed before. */
  readonly bytes: number;
  /** The most that the scheduler takes. */
  readonly limit: number;

  /** @param taskId id of the task whose patch it is */
  constructor(taskId: string, bytes: number, limit: number) {
    super("CONTEXT_TOO_LARGE", `the patch of task ${quoted(taskId)} has ${bytes} bytes, the limit is ${limit}`);
    this.bytes = bytes;
    this.limit = limit;
  }

  static {
    brandError(ContextTooLargeError, "ContextTooLargeError");
  }
}

function quoted(key: string): string {
  return JSON.stringify(key);
}
