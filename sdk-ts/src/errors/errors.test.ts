import vm from "node:vm";
import { describe, expect, it, vi } from "vitest";
import * as errors from "./index.js";
import {
  CancelledError,
  CloacaError,
  ConnectionError,
  ContextConsumedError,
  ContextKeyExistsError,
  ContextKeyInvalidError,
  ContextKeyMissingError,
  ContextTooLargeError,
  ContextValueError,
  DeferralNotAwaitedError,
  DeferTimeoutError,
  DefinitionError,
  ErrorRecord,
  errorRecord,
  HandleConsumedError,
  HandleMissingError,
  InputError,
  OptionsError,
  PermanentError,
  RemoteError,
  RunFailedError,
  SlotsClosedError,
  TaskResultInvalidError,
  TaskTimeoutError,
  TransientError,
} from "./index.js";

const problem = { path: "tasks[0].id", message: "is empty" };

/** One of each, with its code and its whole message. */
const all: readonly [CloacaError, string, string][] = [
  [new CloacaError("SOME_CODE", "text"), "SOME_CODE", "text"],
  [new TaskTimeoutError("it took 5 ms"), "TASK_TIMEOUT", "it took 5 ms"],
  [new CancelledError("TIMEOUT", "after 5 ms"), "CANCELLED", "cancelled: TIMEOUT (after 5 ms)"],
  [new ConnectionError("grpc://x:1", "refused"), "CONNECTION_FAILED", "grpc://x:1: refused"],
  [
    new ContextConsumedError("set"),
    "CONTEXT_CONSUMED",
    "context.set: the task has ended, and nothing is sent of it any more; await all that changes the context before it ends",
  ],
  [
    new ContextKeyExistsError("a"),
    "CONTEXT_KEY_EXISTS",
    'the context already has the key "a"; use set or update to replace its value',
  ],
  [new ContextKeyInvalidError("", "the key is empty"), "CONTEXT_KEY_INVALID", "the key is empty"],
  [new ContextKeyMissingError("a", ["b"], ""), "CONTEXT_KEY_MISSING", 'the context has no key "a"; there are "b"'],
  [new ContextTooLargeError("a", 9, 5), "CONTEXT_TOO_LARGE", 'the patch of task "a" has 9 bytes, the limit is 5'],
  [new ContextValueError("CONTEXT_VALUE_INVALID", "$.a", "is odd"), "CONTEXT_VALUE_INVALID", "$.a: is odd"],
  [
    new DeferralNotAwaitedError("a"),
    "DEFERRAL_NOT_AWAITED",
    'task "a" ended while its deferral was still open; write: await handle.deferUntil(…)',
  ],
  [new DeferTimeoutError(5, "the file"), "DEFER_TIMEOUT", "waited 5 ms for the file, in vain"],
  [new DefinitionError('workflow "a"', [problem]), "DEFINITION_INVALID", 'workflow "a": tasks[0].id: is empty'],
  [
    new HandleConsumedError("deferUntil", "task_ended"),
    "HANDLE_CONSUMED",
    "handle.deferUntil: the task has ended; use its handle only while it runs",
  ],
  [
    new HandleMissingError("deferUntil"),
    "HANDLE_MISSING",
    "handle.deferUntil: this task was called directly, so there is no slot to give back; run it in a workflow",
  ],
  [
    new InputError("etl", [problem, { path: "", message: "is odd" }]),
    "INPUT_INVALID",
    'input of workflow "etl": 2 problems\n- tasks[0].id: is empty\n- is odd',
  ],
  [
    new OptionsError("handle.deferUntil", [{ path: "maxWaitMs", message: "is 0" }]),
    "OPTIONS_INVALID",
    "handle.deferUntil: maxWaitMs: is 0",
  ],
  [new PermanentError("no such order"), "PERMANENT_ERROR", "no such order"],
  [new RemoteError("RUN_NOT_FOUND", "no run"), "RUN_NOT_FOUND", "no run"],
  [
    new RunFailedError({ runId: "r", workflow: "w", status: "FAILED", tasks: [] }),
    "RUN_FAILED",
    'run r of workflow "w" ended FAILED',
  ],
  [
    new SlotsClosedError(),
    "SLOTS_CLOSED",
    "the host is shutting down; the task is handed back and runs again elsewhere",
  ],
  [new TransientError("locked"), "TRANSIENT_ERROR", "locked"],
  [
    new TaskResultInvalidError("an array"),
    "TASK_RESULT_INVALID",
    "the task returned an array; return the context, nothing, or a plain object with the keys to set",
  ],
];

describe("errors", () => {
  it.each(all)("%s has its code and its message", (error, code, message) => {
    expect([error.code, error.message]).toEqual([code, message]);
    expect(error).toBeInstanceOf(CloacaError);
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain(message.split("\n")[0]);
    expect(error.name).toMatch(/^[A-Z]\w+Error$/);
    expect(String(error)).toBe(`${error.name}: ${message}`);
  });

  it("are all in this list", () => {
    const classes = Object.values(errors).filter((value) => typeof value === "function" && /Error$/.test(value.name));
    expect(new Set(all.map(([{ name }]) => name))).toEqual(new Set(classes.map(({ name }) => name)));
  });

  it("keep their cause", () => {
    const cause = new Error("below");
    expect(new ConnectionError("grpc://x:1", "refused", { cause }).cause).toBe(cause);
    expect(new CloacaError("X", "x")).not.toHaveProperty("cause");
  });

  it("are told apart by instanceof", () => {
    expect(new CancelledError("TIMEOUT")).not.toBeInstanceOf(DefinitionError);
    expect(new Error("x")).not.toBeInstanceOf(CloacaError);
    for (const other of [null, undefined, "CloacaError", { code: "X" }]) expect(other).not.toBeInstanceOf(CloacaError);
  });

  it("are known across two copies of the package, and subclasses of users are their own", async () => {
    vi.resetModules();
    const copy = await import("./index.js");
    expect(copy.CancelledError).not.toBe(CancelledError);
    expect(new copy.CancelledError("TIMEOUT")).toBeInstanceOf(CancelledError);
    expect(new copy.CancelledError("TIMEOUT")).toBeInstanceOf(CloacaError);
    expect(new copy.CancelledError("TIMEOUT")).not.toBeInstanceOf(DefinitionError);
    class Mine extends CancelledError {}
    expect(new CancelledError("TIMEOUT")).not.toBeInstanceOf(Mine);
    expect(new Mine("TIMEOUT")).toBeInstanceOf(Mine);
    expect(new Mine("TIMEOUT")).toBeInstanceOf(copy.CancelledError);
  });
});

describe("problems", () => {
  it("are all kept, and spelled out up to a point", () => {
    const problems = Array.from({ length: 25 }, (_, n) => ({ path: `tasks[${n}]`, message: "is odd" }));
    const error = new DefinitionError("workflow", problems);
    expect(error.problems).toHaveLength(25);
    expect(error.message.split("\n")).toHaveLength(22);
    expect(error.message).toMatch(/and 5 more$/);
  });

  it("of the scheduler are added only where its message does not tell them", () => {
    const problems = [problem];
    expect(new RemoteError("X", "bad: is empty", { problems }).message).toBe("bad: is empty");
    expect(new RemoteError("X", "bad", { problems }).message).toBe("bad: tasks[0].id: is empty");
  });
});

describe("RunFailedError", () => {
  it("tells the tasks that failed, or else those that were cancelled or skipped", () => {
    const failure = { code: "TASK_FAILED", type: "TypeError", message: "boom" };
    const tasks = [
      { task: "load", state: "FAILED", failure },
      { task: "report", state: "SKIPPED", reason: "UPSTREAM_FAILED" },
    ];
    const failed = new RunFailedError({ runId: "r", workflow: "w", status: "FAILED", tasks });
    expect(failed.message).toBe('run r of workflow "w" ended FAILED\n- task "load": TypeError: boom');
    expect(failed.tasks).toBe(tasks);
    const cancelled = { runId: "r", workflow: "w", status: "CANCELLED", reason: "by hand", tasks: tasks.slice(1) };
    expect(new RunFailedError(cancelled).message).toBe(
      'run r of workflow "w" ended CANCELLED: by hand\n- task "report": SKIPPED (UPSTREAM_FAILED)',
    );
  });
});

describe("errorRecord", () => {
  it("keeps the code of our errors", () => {
    expect(errorRecord(new CancelledError("TIMEOUT"))).toMatchObject({ code: "CANCELLED", type: "CancelledError" });
  });

  it("has what there is of any other error, with its causes", () => {
    const error = new TypeError("boom", { cause: new Error("below", { cause: "the bottom" }) });
    const record = errorRecord(error);
    expect(record).toMatchObject({ code: "TASK_FAILED", type: "TypeError", message: "boom", thrown: error });
    expect(`${record}`).toBe("TypeError: boom");
    expect(record.stack).toMatch(/^TypeError: boom\n.*caused by: Error: below\n.*caused by: "the bottom"$/s);
    expect(Object.keys(record)).toEqual(["code", "type", "message", "stack"]);
  });

  it("does not follow causes for ever", () => {
    const error = new Error("round");
    error.cause = error;
    expect(errorRecord(error).stack?.match(/caused by/g)).toHaveLength(5);
  });

  it("does not take foreign codes for ours", () => {
    expect(errorRecord(Object.assign(new Error("x"), { code: "ENOENT" })).code).toBe("TASK_FAILED");
  });

  it("knows errors of another realm", () => {
    const error: unknown = vm.runInNewContext("new RangeError('there')");
    expect(errorRecord(error)).toMatchObject({ type: "RangeError", message: "there" });
  });

  it.each<[unknown, string, string]>([
    ["no", "string", 'thrown: "no"'],
    [7, "number", "thrown: 7"],
    [null, "null", "thrown: null"],
    [undefined, "undefined", "thrown: undefined"],
    [5n, "bigint", "thrown: 5"],
    [Symbol("x"), "symbol", "thrown: Symbol(x)"],
    [{ a: 1 }, "Object", 'thrown: {"a":1}'],
    [Object.create(null), "Object", "thrown: {}"],
    [new Map(), "Map", "thrown: {}"],
    [{ a: 1n }, "Object", "thrown: [object Object]"],
  ])("takes what is no error: %#", (thrown, type, message) => {
    const record = errorRecord(thrown);
    expect(record).toMatchObject({ code: "TASK_FAILED", type, message });
    expect(record).not.toHaveProperty("stack");
  });

  it("never throws, whatever it is given", () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const hostile = Object.defineProperty(new Error("x"), "message", {
      get() {
        throw new Error("no");
      },
    });
    for (const thrown of [revoked.proxy, hostile]) {
      expect(errorRecord(thrown)).toMatchObject({
        code: "TASK_FAILED",
        message: "thrown: a value that cannot be read",
      });
    }
  });

  it("cuts what is long, and stays itself", () => {
    expect(errorRecord("x".repeat(10_000)).message.length).toBeLessThan(600);
    const record = errorRecord(new Error("x"));
    expect(ErrorRecord.from(record)).toBe(record);
  });
});

describe("options of errors", () => {
  it("that nobody knows are refused, all of them, with what was meant", () => {
    // As JavaScript may pass them.
    const wrong = { retryAfter: 1, Cause: 2, retryAfterMs: -1 } as object;
    expect(() => new TransientError("x", wrong)).toThrow(
      "new TransientError: 3 problems\n" +
        '- retryAfter: "retryAfter" is not an option of a TransientError; options are retryAfterMs, cause; did you mean "retryAfterMs"?\n' +
        '- Cause: "Cause" is not an option of a TransientError; options are retryAfterMs, cause; did you mean "cause"?\n' +
        "- retryAfterMs: is -1; allowed are milliseconds, 0 or more",
    );
    expect(() => new PermanentError("x", { retryAfterMs: 1 } as object)).toThrow(
      '"retryAfterMs" is not an option of a PermanentError; options are cause',
    );
    expect(new TransientError("x", { retryAfterMs: 1, cause: "y" })).toMatchObject({ retryAfterMs: 1, cause: "y" });
  });
});
