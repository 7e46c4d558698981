/** What the retry options do: how often, when, and after which failures. The scheduler executes them. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import {
  PermanentError,
  type RetryOptions,
  type RunEventInfo,
  TransientError,
  WorkflowBuilder,
  workflow,
} from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

/** Attempts of each task of a run in which every task fails with what `failures` throws. */
async function attemptsOf(failures: Readonly<Record<string, () => unknown>>, options: RetryOptions) {
  const builder = new WorkflowBuilder("failing");
  for (const [id, fail] of Object.entries(failures)) {
    builder.addTask({ id, retryDelayMs: 0, ...options }, async () => {
      await fail();
    });
  }
  const { client } = scheduler;
  const failed = (await scheduler.runner.execute(builder.build()).catch((error: unknown) => error)) as {
    runId: string;
  };
  const tasks = await client.tasks(failed.runId);
  expect(tasks.every(({ state }) => state === "FAILED")).toBe(true);
  return Object.fromEntries(tasks.map(({ task, attempt }) => [task, attempt]));
}

const thrower = (error: unknown) => () => {
  throw error;
};

it("retryAttempts is the number of retries after the first failure, 0 by default", async () => {
  const fail = thrower(new Error("boom"));
  expect(await attemptsOf({ once: fail }, {})).toEqual({ once: 1 });
  expect(await attemptsOf({ thrice: fail }, { retryAttempts: 2 })).toEqual({ thrice: 3 });
});

it("a retry that succeeds ends it: the task and the run succeed", async () => {
  let calls = 0;
  const flaky = workflow("flaky", ({ task }) => {
    task({ id: "flaky", retryAttempts: 5, retryDelayMs: 0 }, (_context, handle) => {
      calls++;
      if (handle.attempt < 3) throw new Error("not yet");
      return { attempt: handle.attempt };
    });
  });
  const { context, run } = await scheduler.runner.execute(flaky);
  expect(run.status).toBe("SUCCEEDED");
  expect(context.get<number>("attempt")).toBe(3);
  expect(calls).toBe(3);
});

/** The delays before the retries, in milliseconds, and the log that they are from. */
async function delaysOf(options: RetryOptions): Promise<{ delays: number[]; log: RunEventInfo[] }> {
  const retried = workflow("delays", ({ task }) => {
    task(
      { id: "fail", retryAttempts: 4, retryDelayMs: 20, retryJitter: false, ...options },
      thrower(new Error("boom")),
    );
  });
  const failed = (await scheduler.runner.execute(retried).catch((error: unknown) => error)) as { runId: string };
  const log = await scheduler.log(failed.runId);
  const delays = log.flatMap(({ type, at, retryAt }) => {
    return type === "TASK_RETRYING" && retryAt !== null ? [retryAt.getTime() - at.getTime()] : [];
  });
  return { delays, log };
}

it("retryBackoff fixed: every delay is retryDelayMs", async () => {
  expect((await delaysOf({ retryBackoff: "fixed" })).delays).toEqual([20, 20, 20, 20]);
});

it("retryBackoff linear: the delay grows by retryDelayMs", async () => {
  expect((await delaysOf({ retryBackoff: "linear" })).delays).toEqual([20, 40, 60, 80]);
});

it("retryBackoff exponential: the delay doubles; it is the default", async () => {
  expect((await delaysOf({ retryBackoff: "exponential" })).delays).toEqual([20, 40, 80, 160]);
  expect((await delaysOf({})).delays).toEqual([20, 40, 80, 160]);
});

it("retryMaxDelayMs: no delay is longer", async () => {
  expect((await delaysOf({ retryMaxDelayMs: 50 })).delays).toEqual([20, 40, 50, 50]);
  const { delays } = await delaysOf({ retryMaxDelayMs: 50, retryJitter: true });
  for (const delay of delays) expect(delay).toBeLessThanOrEqual(50);
});

it("retryDelayMs is waited: no attempt begins before its time", async () => {
  const { log } = await delaysOf({});
  let due = 0;
  for (const { type, at, retryAt } of log) {
    if (type === "TASK_LEASED") expect(at.getTime()).toBeGreaterThanOrEqual(due);
    if (retryAt !== null) due = retryAt.getTime();
  }
  expect(due).toBeGreaterThan(0);
});

it("retryJitter: delays are spread from 0.75 to 1.25 times what they would be; it is on by default", async () => {
  const many = new WorkflowBuilder("jitter");
  for (let n = 0; n < 40; n++) {
    many.addTask({ id: `t${n}`, retryAttempts: 1, retryDelayMs: 400 }, (_context, handle) => {
      if (handle.attempt === 1) throw new Error("boom");
    });
  }
  const { runId } = await scheduler.runner.execute(many.build());
  const delays = (await scheduler.log(runId)).flatMap(({ type, at, retryAt }) => {
    return type === "TASK_RETRYING" && retryAt !== null ? [retryAt.getTime() - at.getTime()] : [];
  });
  expect(delays).toHaveLength(40);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(300);
  expect(Math.max(...delays)).toBeLessThanOrEqual(500);
  expect(new Set(delays).size).toBeGreaterThan(10);
});

it("retryCondition never: the first failure is final", async () => {
  const failures = { any: thrower(new Error("boom")), transient: thrower(new TransientError("busy")) };
  expect(await attemptsOf(failures, { retryAttempts: 1, retryCondition: "never" })).toEqual({ any: 1, transient: 1 });
});

it("retryCondition all: every failure is retried but a PermanentError; it is the default", async () => {
  const failures = { any: thrower(new Error("boom")), permanent: thrower(new PermanentError("no such order")) };
  expect(await attemptsOf(failures, { retryAttempts: 1, retryCondition: "all" })).toEqual({ any: 2, permanent: 1 });
  expect(await attemptsOf(failures, { retryAttempts: 1 })).toEqual({ any: 2, permanent: 1 });
});

it("retryCondition transient: failures that pass by themselves, told by codes and statuses, through causes", async () => {
  const refused = await portThatRefuses();
  const grpcError = (code: number) =>
    Object.assign(new Error("from a stub"), { code, details: "", metadata: { get: () => [] } });
  const attempts = await attemptsOf(
    {
      connection_refused: () => fetch(`http://127.0.0.1:${refused}`),
      timeout: () => Promise.reject(AbortSignal.abort(new DOMException("late", "TimeoutError")).reason),
      dns: thrower(Object.assign(new Error("getaddrinfo"), { code: "EAI_AGAIN" })),
      http_408: thrower(Object.assign(new Error("from a client"), { status: 408 })),
      http_429: thrower(Object.assign(new Error("from a client"), { status: 429 })),
      http_503: thrower(Object.assign(new Error("from a client"), { response: { status: 503 } })),
      grpc_unavailable: thrower(grpcError(14)),
      grpc_exhausted: thrower(grpcError(8)),
      grpc_deadline: thrower(grpcError(4)),
      grpc_aborted: thrower(grpcError(10)),
      said_so: thrower(new TransientError("the warehouse is being rebuilt")),
      caused: thrower(new Error("load failed", { cause: new TransientError("busy") })),
      http_404: thrower(Object.assign(new Error("from a client"), { status: 404 })),
      grpc_not_found: thrower(grpcError(5)),
      // A text tells nothing.
      text: thrower(new Error("connection timeout: temporarily unavailable")),
      permanent: thrower(new PermanentError("no", { cause: new TransientError("busy") })),
      bug: thrower(new TypeError("x is not a function")),
    },
    { retryAttempts: 1, retryCondition: "transient" },
  );
  const retried = Object.keys(attempts).filter((id) => attempts[id] === 2);
  expect(retried).toEqual([
    "connection_refused",
    "timeout",
    "dns",
    "http_408",
    "http_429",
    "http_503",
    "grpc_unavailable",
    "grpc_exhausted",
    "grpc_deadline",
    "grpc_aborted",
    "said_so",
    "caused",
  ]);
  expect(Object.values(attempts).filter((n) => n === 1)).toHaveLength(5);
});

it("retryAfterMs of an error takes the place of the delay, up to retryMaxDelayMs", async () => {
  const asked = workflow("asked", ({ task }) => {
    task({ id: "soon", retryAttempts: 1, retryDelayMs: 60_000 }, (_context, handle) => {
      if (handle.attempt === 1) throw new TransientError("soon", { retryAfterMs: 15 });
    });
    task({ id: "late", retryAttempts: 1, retryMaxDelayMs: 30 }, (_context, handle) => {
      if (handle.attempt === 1) throw new TransientError("late", { retryAfterMs: 60_000 });
    });
  });
  const { runId } = await scheduler.runner.execute(asked);
  const delays: Record<string, number> = {};
  for (const { type, task, at, retryAt } of await scheduler.log(runId)) {
    if (type === "TASK_RETRYING" && retryAt !== null) delays[task] = retryAt.getTime() - at.getTime();
  }
  expect(delays["late"]).toBe(30);
  // What had passed since the error was made is not waited again.
  expect(delays["soon"]).toBeGreaterThanOrEqual(0);
  expect(delays["soon"]).toBeLessThanOrEqual(15);
});

/** A port of loopback on which nobody listens. */
async function portThatRefuses(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
