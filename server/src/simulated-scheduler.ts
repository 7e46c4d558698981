/**
 * A whole scheduler in memory, on somebody else's clock: the engine, the memory store and the services as they are, without a
 * network. @cloaca/sdk/testing runs workflows on it.
 */
import { DEFAULT_LIMITS, type EngineLimits } from "./engine/limits.js";
import { Scheduler } from "./engine/scheduler.js";
import {
  callInMemory,
  connectInMemory,
  type InMemoryHost,
  type InMemoryMethod,
  type InMemoryStream,
  readLogInMemory,
} from "./rpc/in-memory.js";
import { seededIds } from "./seeded-ids.js";
import { openStore } from "./store/open-store.js";

/** What moves a simulation. Callbacks must come one by one, never from within these calls. */
export interface SimulationTime {
  /** Milliseconds since the Unix epoch; whole, and never less than before. */
  now(): number;
  /** Runs a callback once what runs now is done, and before time goes on. */
  soon(callback: () => void): void;
  /** Runs a callback after a time in milliseconds; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export interface SimulationOptions {
  readonly time: SimulationTime;
  /** Decides all ids, and with them the jitter of retries. */
  readonly seed: string;
  readonly limits?: Partial<EngineLimits>;
  /** Hears of defects of the scheduler itself. */
  readonly onDefect: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface SimulatedScheduler {
  /** Opens `HostService.Work`. */
  connect(host: InMemoryHost): InMemoryStream;
  /** Calls a method of `RunService`, bytes to bytes. Rejects with an error that has `code`, `message` and `problems`. */
  call(method: InMemoryMethod, request: Uint8Array): Promise<Uint8Array>;
  /** The log of a run so far, as the bytes of a `WatchRunsResponse`. */
  readLog(runId: string): Promise<Uint8Array>;
  /** Calls back once, when the run ends from now on. */
  onRunEnd(runId: string, callback: () => void): void;
}

export type Simulate = (options: SimulationOptions) => SimulatedScheduler;

/** No session expires of silence: a host in memory cannot be lost, and time goes by in leaps. The longest that a TTL can be. */
const SESSION_TTL_MS = 2 ** 31 - 1;

/** Starts a scheduler that lives as long as somebody refers to it: it holds nothing that would have to be closed. */
export const simulate: Simulate = ({ time, seed, limits: changes, onDefect }) => {
  const ttl = { sessionTtlMs: SESSION_TTL_MS, maxSessionTtlMs: SESSION_TTL_MS };
  const limits = { ...DEFAULT_LIMITS, ...ttl, ...changes };
  const store = openStore("memory:", { clock: time, ids: seededIds(seed), limits }, "a simulation");
  const log = { info() {}, warn() {}, error: onDefect };
  const scheduler = new Scheduler({ store, clock: time, runtime: time, limits, log });
  scheduler.start();
  return {
    connect: (host) => connectInMemory(scheduler, host),
    call: (method, request) => callInMemory(scheduler, method, request),
    readLog: (runId) => readLogInMemory(scheduler, "", runId),
    onRunEnd: (runId, callback) => void scheduler.feed.onEnd(runId, callback),
  };
};
