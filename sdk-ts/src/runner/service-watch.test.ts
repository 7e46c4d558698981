import { startEmbedded } from "@cloaca/server/embedded";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../client/client.js";
import { plainWorkflow } from "../fakes/plain-workflow.js";
import { signal } from "../fakes/signal.js";
import type { TaskExplanation } from "../protocol/run-calls.js";
import { Host } from "./host.js";
import { type Questions, watchService } from "./service-watch.js";

describe("watchService", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  /** A watch over a run whose only task is ready, and what it said. */
  function watch(reason: TaskExplanation["reason"]) {
    const said: string[] = [];
    const asked = { runs: 0, explanations: 0 };
    const now = { reason };
    const over = new AbortController();
    const counts = { READY: 1 };
    const client: Questions = {
      get: async () => {
        asked.runs++;
        return { workflow: "etl", taskCounts: counts };
      },
      explain: async () => {
        asked.explanations++;
        const message = "nobody is there";
        return {
          tasks: [
            { task: "a", state: "READY", reason: now.reason, message, waitingForTasks: [], hosts: [], until: null },
          ],
        };
      },
    };
    watchService(client, "r", { patienceMs: 3_000, say: (_task, message) => void said.push(message) }, over.signal);
    return { said, asked, over, counts, client, now };
  }

  it("says once what is missing, when a task has been without a host for as long as its patience lasts", async () => {
    const { said } = watch("HOSTS_DRAINING");
    // Seen first after a second.
    await vi.advanceTimersByTimeAsync(3_999);
    expect(said).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(said).toEqual(['task "a" of workflow "etl" has waited 3 s for a host that takes it: nobody is there']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(said).toHaveLength(1);
  });

  it("says nothing of a host that comes back in time, and begins anew when it is gone again", async () => {
    const { said, now } = watch("NO_HOST");
    await vi.advanceTimersByTimeAsync(3_500);
    now.reason = "NEXT_TURN";
    await vi.advanceTimersByTimeAsync(500);
    now.reason = "NO_HOST";
    // The look after one that found nothing missing comes later.
    await vi.advanceTimersByTimeAsync(2_000 + 2_999);
    expect(said).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(said).toEqual([expect.stringContaining("nobody is there")]);
  });

  it("asks ever less of a run that goes well, and for reasons only when something is ready", async () => {
    const { asked, counts } = watch("NO_FREE_SLOT");
    counts.READY = 0;
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect(asked.runs).toBeLessThan(30);
    expect(asked.explanations).toBe(0);
  });

  it("goes on after a question that failed, and ends with the run", async () => {
    const { said, over, client } = watch("NO_HOST_FOR_VERSION");
    const { get } = client;
    client.get = () => Promise.reject(new Error("away"));
    await vi.advanceTimersByTimeAsync(1_000);
    client.get = get;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(said).toHaveLength(1);
    over.abort();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a scheduler's own answers", () => {
  it("tell of a task whose host offers no slots", async () => {
    const scheduler = await startEmbedded({ store: "memory:", address: "127.0.0.1:0" });
    const idle = new Host({ url: scheduler.address, hostId: "idle", slots: 0 }).register(
      plainWorkflow("etl", { a: () => {} }),
    );
    void idle.run({ handleSignals: false });
    await idle.ready();
    const client = new Client({ url: scheduler.address });
    const { runId } = await client.start("etl");
    const told = signal<string>();
    const over = new AbortController();
    watchService(client, runId, { patienceMs: 3, say: (_task, message) => told.fire(message) }, over.signal);
    expect(await told.fired).toBe(
      'task "a" of workflow "etl" has waited 0 s for a host that takes it: no host for it takes new work: host "idle" offers no slots; start another',
    );
    over.abort();
    await idle.drain();
    client.close();
    await scheduler.stop();
  });
});
