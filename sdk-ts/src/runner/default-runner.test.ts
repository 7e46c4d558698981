import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "@cloaca/server/embedded";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../client/client.js";
import { CancelledError, DeferTimeoutError, RunFailedError } from "../errors/index.js";
import { plainTask, plainWorkflow as workflow } from "../fakes/plain-workflow.js";
import { signal } from "../fakes/signal.js";
import type { ResolvedTask } from "../task/definition.js";
import { DefaultRunner } from "./default-runner.js";
import { Host } from "./host.js";

describe("DefaultRunner", () => {
  let runner: DefaultRunner;

  beforeEach(() => {
    runner = new DefaultRunner({ url: "memory:", slots: 1 });
  });

  afterEach(() => runner.close());

  it("runs a chain, with what tasks set, return and remove", async () => {
    const { context } = await runner.execute(
      workflow("etl", {
        a: { fn: (c) => c.set("raw", [1, 2, 3]) },
        b: { dependencies: ["a"], fn: async (c) => ({ n: (c.get("raw") as number[]).length }) },
        c: { dependencies: ["b"], fn: (c) => void c.remove("raw") },
      }),
      { day: "monday" },
    );
    expect(context.toJSON()).toEqual({ day: "monday", n: 3 });
  });

  it("gives the slot of a deferred task to another one, and the condition's value back", async () => {
    const order: string[] = [];
    let file: string | null = null;
    const { context, runId } = await runner.execute(
      workflow("wait", {
        waits: {
          fn: async (_c, handle) => {
            order.push("waits");
            const found = await handle?.deferUntil(() => file, 1);
            order.push(`found ${String(found)}`);
            return { held: handle?.isSlotHeld() ?? false, found: String(found) };
          },
        },
        works: {
          fn: () => {
            order.push("works");
            file = "a.csv";
          },
        },
      }),
    );
    expect(order).toEqual(["waits", "works", "found a.csv"]);
    expect(context.toJSON()).toEqual({ held: true, found: "a.csv" });
    const client = await runner.client();
    let held = 0;
    for await (const { events } of client.watch({ runId })) {
      for (const { slotDelta } of events) {
        held += slotDelta;
        expect(held).toBeLessThanOrEqual(1);
      }
    }
    expect(held).toBe(0);
  });

  it("tells the tasks of a run that failed, and calls back after the receipt", async () => {
    const called: string[] = [];
    const failing = workflow("fails", {
      good: { fn: () => {}, onSuccess: (id) => called.push(`success ${id}`) },
      bad: {
        dependencies: ["good"],
        fn: () => {
          throw new TypeError("boom");
        },
        onFailure: (id, error) => called.push(`failure ${id} ${error.message}`),
      },
      after: { dependencies: ["bad"], fn: () => {} },
    });
    const error = await runner.execute(failing).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RunFailedError);
    expect((error as RunFailedError).tasks.map((t) => [t.task, t.state, t.failure?.type])).toEqual([
      ["bad", "FAILED", "TypeError"],
      ["after", "SKIPPED", undefined],
    ]);
    expect(called).toEqual(["success good", "failure bad boom"]);
  });

  it.each([
    ["a string", () => Promise.reject("no"), "TASK_FAILED"],
    ["null", () => Promise.reject(null), "TASK_FAILED"],
    ["a result that is none", () => 7, "TASK_RESULT_INVALID"],
    ["a value that is not JSON", () => ({ at: new Date() }), "CONTEXT_VALUE_INVALID"],
    [
      "a forgotten await",
      (_c: unknown, h: Parameters<ResolvedTask["fn"]>[1]) => void h?.deferUntil(() => false),
      "DEFERRAL_NOT_AWAITED",
    ],
    ["an oversize patch", () => ({ big: "x".repeat(1024 * 1024) }), "CONTEXT_TOO_LARGE"],
  ])("fails a task for %s, with a code, and harms no other", async (_name, fn, code) => {
    const error = await runner.execute(workflow("one", { a: { fn, wantsHandle: true } })).catch((e: unknown) => e);
    expect((error as RunFailedError).tasks[0]?.failure?.code).toBe(code);
    const { run } = await runner.execute(workflow("fine", { a: { fn: () => {} } }));
    expect(run.status).toBe("SUCCEEDED");
  });

  it("ends a deferral whose longest wait is over with an error that the task can catch", async () => {
    const { context } = await runner.execute(
      workflow("late", {
        a: {
          fn: async (_c, handle) => {
            const error = await handle
              ?.deferUntil(() => false, { pollIntervalMs: 1, maxWaitMs: 5 })
              .catch((e: unknown) => e);
            return { timedOut: error instanceof DeferTimeoutError, held: handle?.isSlotHeld() ?? false };
          },
        },
      }),
    );
    expect(context.toJSON()).toEqual({ timedOut: true, held: true });
  });

  it("throws what a condition throws inside the task, with its slot", async () => {
    const { context } = await runner.execute(
      workflow("broken", {
        a: {
          fn: async (_c, handle) => {
            const condition = () => {
              throw new RangeError("lost");
            };
            const error = await handle?.deferUntil(condition, 1).catch((e: unknown) => e);
            return { message: String(error), held: handle?.isSlotHeld() ?? false };
          },
        },
      }),
    );
    expect(context.toJSON()).toEqual({ message: "RangeError: lost", held: true });
  });

  it("cancels: the task's signal fires, its late result counts for nothing, its slot is free once it stopped", async () => {
    const started = signal<AbortSignal>();
    const client = await runner.client();
    const slow = workflow("slow", {
      a: {
        fn: async (_c, handle) => {
          const aborted = handle?.signal as AbortSignal;
          started.fire(aborted);
          await new Promise((resolve) => aborted.addEventListener("abort", resolve));
          return { late: true };
        },
      },
    });
    const running = runner.execute(slow).catch((e: unknown) => e);
    const aborted = await started.fired;
    const { runs } = await client.list({ workflow: "slow" });
    expect(await client.cancel(runs[0]?.runId ?? "", "enough")).toBe("CANCELLED");
    expect(await running).toBeInstanceOf(RunFailedError);
    const { context } = await runner.execute(workflow("next", { a: { fn: () => ({ ok: true }) } }));
    expect(context.toJSON()).toEqual({ ok: true });
    expect(aborted.reason).toBeInstanceOf(CancelledError);
  });
});

describe("a task that nobody serves", () => {
  it("is told to the log after 3 s, with what is missing", { timeout: 30_000 }, async () => {
    const warned = signal<unknown>();
    const log = { info: () => {}, warn: (message: string, fields: unknown) => warned.fire({ message, fields }) };
    const runner = new DefaultRunner({ url: "memory:", slots: 0, log });
    const running = runner.execute(workflow("etl", { a: { fn: () => {} } })).catch(() => {});
    expect(await warned.fired).toMatchObject({
      message: "task_not_served",
      fields: { task: "a", reason: expect.stringMatching(/has waited \d+ s .* offers no slots/) },
    });
    await runner.close();
    await running;
  });
});

describe("versions (P13)", () => {
  it("runs two versions of a workflow side by side, each with its own code, whichever came last", async () => {
    await using runner = new DefaultRunner({ url: "memory:", slots: 4 });
    const go = signal();
    const one = workflow("etl", { a: { fn: () => go.fired.then(() => ({ by: "one" })) } });
    const two = workflow("etl", { a: { fn: () => ({ by: "two" }) }, b: { fn: () => {} } });
    const first = runner.execute(one);
    expect((await runner.execute(two)).context.toJSON()).toEqual({ by: "two" });
    // The same object again, while the other version is the current one.
    const again = runner.execute(one);
    go.fire();
    expect((await first).context.toJSON()).toEqual({ by: "one" });
    expect((await again).context.toJSON()).toEqual({ by: "one" });
  });

  it("tells its log nothing of a host without tasks: they come with the first workflow", async () => {
    const told: string[] = [];
    const log = {
      info: (message: string) => void told.push(message),
      warn: (message: string) => void told.push(message),
    };
    await using runner = new DefaultRunner({ url: "memory:", log });
    await runner.address();
    expect(told).toEqual(["host_connected"]);
  });

  it("rejects a workflow that the scheduler does not take, and serves the others on", async () => {
    await using runner = new DefaultRunner("memory:");
    await expect(runner.execute(workflow("not a name", { a: { fn: () => {} } }))).rejects.toMatchObject({
      code: "DEFINITION_INVALID",
    });
    expect((await runner.execute(workflow("fine", { a: { fn: () => ({ n: 1 }) } }))).context.toJSON()).toEqual({
      n: 1,
    });
  });
});

describe("Host", () => {
  it("implements a task of a workflow that another brings, for any version of it, also while it runs", async () => {
    const scheduler = await startEmbedded({ store: "memory:", address: "127.0.0.1:0" });
    const client = new Client({ url: scheduler.address });
    const host = new Host({ url: scheduler.address, hostId: "host" });
    const ended = host.run({ handleSignals: false });
    await host.ready();
    host.implement(
      "etl",
      plainTask("a", () => ({ a: "implemented" })),
    );
    const [one, two] = [
      workflow("etl", { a: { fn: () => {} } }),
      workflow("etl", { a: { fn: () => {} }, b: { fn: () => {} } }),
    ];
    host.implement("etl", "b", async (_context, handle) => ({ b: await handle.deferUntil(() => "implemented") }));
    for (const etl of [one, two]) await client.register(etl);
    expect((await client.execute(two)).context.toJSON()).toEqual({ a: "implemented", b: "implemented" });
    const { context } = await client.execute(one, {}, { version: await client.register(one) });
    expect(context.toJSON()).toEqual({ a: "implemented" });
    await host.drain();
    await ended;
    await expect(host.ready()).rejects.toMatchObject({ code: "HOST_ENDED" });
    client.close();
    await scheduler.stop();
  });

  it("P6: a scheduler that restarts finds its host and its lease again, and nothing runs twice", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cloaca-host-"));
    const store = `sqlite://${join(folder, "runs.db")}`;
    const first = await startEmbedded({ store, address: "127.0.0.1:0" });
    const started = signal();
    const goOn = signal();
    let executions = 0;
    const host = new Host({ url: first.address, slots: 2, hostId: "host" }).register(
      workflow("etl", {
        a: {
          fn: async () => {
            executions++;
            started.fire();
            await goOn.fired;
            return { n: 1 };
          },
        },
        b: { fn: async (_c, handle) => void (await handle?.deferUntil(() => executions > 1, 1).catch(() => {})) },
        c: { dependencies: ["a"], fn: () => void executions++ },
      }),
    );
    const ended = host.run({ handleSignals: false });
    await host.ready();
    const before = new Client({ url: first.address });
    const { runId } = await before.start("etl");
    await started.fired;
    before.close();
    await first.stop();

    const second = await startEmbedded({ store, address: first.address });
    const client = new Client({ url: second.address });
    goOn.fire();
    const { run } = await client.result(runId);
    expect(run.status).toBe("SUCCEEDED");
    const tasks = await client.tasks(runId);
    expect(tasks.map(({ task, attempt, recovery, fence }) => [task, attempt, recovery, fence])).toEqual([
      ["a", 1, 0, 1],
      ["b", 1, 0, 1],
      ["c", 1, 0, 1],
    ]);
    await host.drain();
    await ended;
    client.close();
    await second.stop();
    rmSync(folder, { recursive: true });
  });

  it("P12: a host that drains while the scheduler is gone ends, for it has nothing to say", async () => {
    const scheduler = await startEmbedded({ store: "memory:", address: "127.0.0.1:0" });
    const host = new Host({ url: scheduler.address, slots: 1 });
    const ended = host.run({ handleSignals: false });
    await host.ready();
    await scheduler.stop();
    await host.drain();
    await ended;
  });
});
