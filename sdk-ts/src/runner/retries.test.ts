// Retries and trigger rules over the wire, from options to a scheduler and back.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PermanentError, RunFailedError, TransientError } from "../errors/index.js";
import { rule, workflow } from "../task/index.js";
import { DefaultRunner } from "./default-runner.js";

describe("retries", () => {
  let runner: DefaultRunner;

  beforeEach(() => {
    runner = new DefaultRunner({ url: "memory:", slots: 2 });
  });

  afterEach(() => runner.close());

  it("execute a task until it succeeds, and tell of each failure before", async () => {
    const called: unknown[] = [];
    const { context } = await runner.execute(
      workflow("flaky", ({ task }) => {
        task(
          {
            id: "flaky",
            retryAttempts: 3,
            retryBackoff: "linear",
            retryDelayMs: 1,
            retryJitter: false,
            onRetry: (id, error, context, info) =>
              called.push([id, error.message, context.keys(), info.attempt, info.delayMs, info.nextAttempt]),
            onFailure: () => called.push("failure"),
            onSuccess: (id, _context, { attempt }) => called.push([id, attempt]),
          },
          (context, handle) => {
            context.set("lost", handle.attempt);
            if (handle.attempt < 3) throw new Error(`attempt ${handle.attempt}`);
            return context.remove("lost").set("attempt", handle.attempt);
          },
        );
      }),
    );
    expect(context.toJSON()).toEqual({ attempt: 3 });
    // What is owed is receipted, and told, before the host ends.
    await runner.close();
    expect(called).toEqual([
      ["flaky", "attempt 1", ["lost"], 1, 1, 2],
      ["flaky", "attempt 2", ["lost"], 2, 2, 3],
      ["flaky", 3],
    ]);
  });

  it("end with the last attempt, and at once after an error that is final", async () => {
    const called: unknown[] = [];
    const options = {
      retryAttempts: 1,
      retryDelayMs: 0,
      onRetry: (id: string) => called.push(["retry", id]),
      onFailure: (id: string) => called.push(["failure", id]),
    };
    const fails = workflow("fails", ({ task }) => {
      const unlucky = task({ id: "unlucky", ...options }, () => Promise.reject(new Error("always")));
      task({ id: "hopeless", dependencies: [unlucky], triggerRule: "always", ...options }, () => {
        throw new Error("no order", { cause: new PermanentError("there is none") });
      });
    });
    await expect(runner.execute(fails)).rejects.toThrow(RunFailedError);
    await runner.close();
    expect(called).toEqual([
      ["retry", "unlucky"],
      ["failure", "unlucky"],
      ["failure", "hopeless"],
    ]);
  });

  it("go by what passes by itself, and by when the error says", async () => {
    const delays: unknown[] = [];
    const options = {
      retryAttempts: 5,
      retryDelayMs: 60_000,
      retryCondition: "transient",
      onRetry: (id: string, _error: unknown, _context: unknown, info: { delayMs: number }) =>
        delays.push([id, info.delayMs]),
    } as const;
    const run = runner.execute(
      workflow("picky", ({ task }) => {
        task({ id: "locked", ...options }, (_context, handle) => {
          if (handle.attempt === 1) throw new TransientError("locked", { retryAfterMs: 3 });
        });
        task({ id: "broken", ...options }, () => {
          throw new Error("ECONNRESET");
        });
      }),
    );
    const failed = await run.catch((error: unknown) => error);
    expect(failed).toMatchObject({ tasks: [{ task: "broken", failure: { message: "ECONNRESET" } }] });
    await runner.close();
    expect(delays).toEqual([["locked", 3]]);
  });

  it("leave to a task whose rule names the failure to handle it; what it finds may be missing", async () => {
    const { context } = await runner.execute(
      workflow("handled", ({ task }) => {
        const load = task({ id: "load" }, () => Promise.reject<{ rows: number }>(new Error("boom")));
        const count = task({ id: "count", dependencies: [load] }, (context) => ({ rows: context.get("rows") + 1 }));
        const repair = task({ id: "repair", dependencies: [load], triggerRule: rule.failed(load) }, (context) => ({
          rows: context.get("rows") ?? -1,
        }));
        const many = rule.all(rule.skipped(count), rule.contextValue("rows", "greater", 0));
        const few = rule.all(rule.skipped(count), rule.contextValue("rows", "less", 0));
        task({ id: "many", dependencies: [count, repair], triggerRule: many }, () => ({ size: "many" }));
        task({ id: "few", dependencies: [count, repair], triggerRule: few }, () => ({ size: "few" }));
      }),
    );
    expect(context.toJSON()).toEqual({ rows: -1, size: "few" });
  });
});
