import { describe, expect, it } from "vitest";
import type { RunEvent } from "../core/model.js";
import type { EventBatch, EventChunk, EventPage, EventQuery, Store } from "../store/store.js";
import { RunFeed } from "./run-feed.js";
import { type Watched, watch } from "./watch.js";

/** A log that tests append to, whose hints they may lose. */
class Log {
  readonly chunks: EventChunk[] = [];
  readonly listeners = new Set<(batch: EventBatch) => void>();
  reads = 0;
  /** Run `a` is gone, with its events. */
  isPurged = false;
  readonly store = {
    subscribe: (listener: (batch: EventBatch) => void) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
    events: async ({ runId, after, limit }: EventQuery): Promise<EventPage> => {
      this.reads++;
      const all = this.chunks.filter((c) => c.position > after && (runId === null || c.runId === runId));
      const chunks = all.slice(0, limit);
      return { chunks, position: chunks.at(-1)?.position ?? after, more: all.length > limit };
    },
    readRun: async () => (this.isPurged ? null : {}),
    stats: () => ({ purgedRuns: 1 }),
  } as unknown as Store;
  readonly feed = new RunFeed(this.store);
  readonly runtime = { soon: (callback: () => void) => queueMicrotask(callback) };

  append(runs: readonly string[], { hint = true, namespace = "default" } = {}): void {
    const from = this.chunks.length;
    const chunks = runs.map((runId, index): EventChunk => {
      const seq = this.chunks.filter((c) => c.runId === runId).length + 1;
      const events: RunEvent[] = [{ seq, at: 0, type: "TASK_READY" }];
      return { position: from + index + 1, namespace, runId, workflow: "w", graph: {} as EventChunk["graph"], events };
    });
    this.chunks.push(...chunks);
    const batch = { from, to: this.chunks.length, chunks };
    if (hint) for (const listener of this.listeners) listener(batch);
  }
}

function start(log: Log, runId: string | null, after = 0) {
  const abort = new AbortController();
  const stream = watch(log, { namespace: "default", runId, after }, abort.signal);
  const positions = ({ chunks }: Watched): number[] => chunks.map((c) => c.position);
  return {
    next: async (): Promise<number[]> => {
      const { value, done } = await stream.next();
      if (done === true) throw new Error("the watch has ended");
      return positions(value);
    },
    stop: async () => {
      abort.abort();
      await stream.return(undefined);
    },
  };
}

describe.each([
  ["all runs", null],
  ["a single run", "a"],
])("a watch of %s", (_name, runId) => {
  it("begins with what there was, even when that is nothing, and goes on with what is appended", async () => {
    const log = new Log();
    const watching = start(log, runId);
    expect(await watching.next()).toEqual([]);
    log.append(["a"]);
    expect(await watching.next()).toEqual([1]);
    log.append(["a"]);
    log.append(["a"]);
    expect(await watching.next()).toEqual([2, 3]);
    await watching.stop();
    expect(log.listeners.size).toBe(0);
  });

  it("reads the store only where hints do not suffice", async () => {
    const log = new Log();
    log.append(["a"]);
    const watching = start(log, runId);
    expect(await watching.next()).toEqual([1]);
    for (let position = 2; position < 10; position++) {
      log.append(["a"]);
      expect(await watching.next()).toEqual([position]);
    }
    expect(log.reads).toBe(1);
    await watching.stop();
  });

  it("misses nothing when a hint is lost", async () => {
    const log = new Log();
    log.append(["a"]);
    const watching = start(log, runId);
    await watching.next();
    log.append(["a"], { hint: false });
    log.append(["a"]);
    expect(await watching.next()).toEqual([2, 3]);
    log.append(["a"]);
    expect(await watching.next()).toEqual([4]);
    await watching.stop();
  });

  it("misses nothing, and sees nothing twice, when it is slower than the log", async () => {
    const log = new Log();
    log.append(["a"]);
    const watching = start(log, runId);
    const seen = await watching.next();
    for (let n = 0; n < 1_500; n++) log.append(["a"]);
    while (seen.length < 1_501) seen.push(...(await watching.next()));
    log.append(["a"]);
    seen.push(...(await watching.next()));
    expect(seen).toEqual(log.chunks.map((c) => c.position));
    await watching.stop();
  });

  it("leaves the store when it is stopped while it waits", async () => {
    const log = new Log();
    const watching = start(log, runId);
    await watching.next();
    const waiting = watching.next();
    await watching.stop();
    await expect(waiting).rejects.toThrow("ended");
    expect([log.listeners.size, log.feed.size]).toEqual([0, 0]);
  });
});

describe("a watch", () => {
  it("of a single run hears of no other", async () => {
    const log = new Log();
    log.append(["a", "b"]);
    const watching = start(log, "a");
    expect(await watching.next()).toEqual([1]);
    log.append(["b"]);
    log.append(["b", "a"]);
    expect(await watching.next()).toEqual([5]);
    expect(log.reads).toBe(1);
    await watching.stop();
  });

  it("of a single run ends with an error when the run is purged before it was read to its end", async () => {
    const log = new Log();
    log.append(["a"]);
    const watching = start(log, "a");
    expect(await watching.next()).toEqual([1]);
    // A hint was lost, and the next one tells of it, but then there is nothing left.
    log.append(["a"], { hint: false });
    log.append(["a"]);
    log.chunks.length = 0;
    log.isPurged = true;
    await expect(watching.next()).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
      message: 'namespace "default" has no run "a"; it may be among the finished runs that were purged (1 so far)',
    });
    expect(log.listeners.size).toBe(0);
  });

  it("of all runs goes on when what it has not read was purged", async () => {
    const log = new Log();
    log.append(["a"]);
    const watching = start(log, null);
    expect(await watching.next()).toEqual([1]);
    log.append(["a"], { hint: false });
    log.append(["b"]);
    log.chunks.splice(0, 2);
    expect(await watching.next()).toEqual([3]);
    await watching.stop();
  });

  it("of all runs hears of no other namespace", async () => {
    const log = new Log();
    const watching = start(log, null);
    await watching.next();
    log.append(["x"], { namespace: "other" });
    log.append(["a"]);
    expect(await watching.next()).toEqual([2]);
    await watching.stop();
  });
});

describe("RunFeed", () => {
  it("tells once that a run has ended, and then forgets who asked", () => {
    const log = new Log();
    let ends = 0;
    log.feed.onEnd("a", () => ends++);
    log.append(["a", "b"]);
    expect([ends, log.feed.size]).toEqual([0, 1]);
    const events: RunEvent[] = [{ seq: 2, at: 0, type: "RUN_SUCCEEDED" }];
    const chunk = { ...(log.chunks[0] as EventChunk), position: 3, events };
    for (const listener of [...log.listeners]) listener({ from: 2, to: 3, chunks: [chunk] });
    expect([ends, log.feed.size, log.listeners.size]).toEqual([1, 0, 0]);
  });

  it("serves many followers of one run, each until it leaves", () => {
    const log = new Log();
    const heard = { first: 0, second: 0 };
    const leaveFirst = log.feed.follow("a", () => heard.first++);
    const leaveSecond = log.feed.follow("a", () => heard.second++);
    expect(log.listeners.size).toBe(1);
    log.append(["a"]);
    leaveFirst();
    log.append(["a"]);
    leaveSecond();
    log.append(["a"]);
    expect({ ...heard, listeners: log.listeners.size }).toEqual({ first: 1, second: 2, listeners: 0 });
  });
});

it("lets hosts be told of a commit first: it goes on in the next turn of the loop", async () => {
  const log = new Log();
  let turn = (): void => {};
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  log.runtime.soon = (callback) => {
    turn = callback;
    asked();
  };
  const watching = start(log, null);
  expect(await watching.next()).toEqual([]);
  let told = false;
  const next = watching.next().then((positions) => {
    told = true;
    return positions;
  });
  log.append(["a"]);
  await isAsked;
  log.append(["b"]);
  expect(told).toBe(false);
  turn();
  // What has come meanwhile is told with it.
  expect(await next).toEqual([1, 2]);
  log.runtime.soon = queueMicrotask;
  await watching.stop();
});
