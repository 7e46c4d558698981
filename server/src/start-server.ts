/** A whole scheduler: store, engine and doors, put together. */
import { randomBytes } from "node:crypto";
import type { CloacaError } from "./core/errors.js";
import type { Clock, Ids } from "./core/ports.js";
import { openDoors } from "./doors.js";
import { DEFAULT_LIMITS, type EngineLimits } from "./engine/limits.js";
import type { EngineLog } from "./engine/options.js";
import { nodeRuntime } from "./engine/runtime.js";
import { Scheduler } from "./engine/scheduler.js";
import { openStore } from "./store/open-store.js";

export interface ServerOptions {
  /** Host and port, for example `127.0.0.1:7233`; port 0 takes a free one. */
  readonly address: string;
  /** `memory:` or `sqlite://<path>`. */
  readonly store: string;
  /**
   * Web pages that may call, by their origins: `https://example.com`, or `*` for all. None by default; programs that are no
   * browsers may always.
   */
  readonly allowOrigins?: readonly string[];
  readonly limits?: Partial<EngineLimits>;
  /** How long finished runs are kept, in milliseconds after their end; left out: for ever. */
  readonly keepRunsForMs?: number | undefined;
  /** How many finished runs are kept, those that finished last; left out: all. */
  readonly keepRuns?: number | undefined;
  readonly log: EngineLog;
  /** Check the books after every turn. Slow; for those who doubt. */
  readonly checkBooks?: boolean;
}

export interface RunningServer {
  /** Host and port that it listens on. */
  readonly address: string;
  readonly scheduler: Scheduler;
  /** See `Store.lost`. It stops by itself then, and only one that opens the store anew can go on. */
  readonly storeLost: Promise<CloacaError>;
  /** Tells the hosts, finishes what is under way and closes the store. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 2_000;
/** Hosts wait so long before they look for the next scheduler. */
const RECONNECT_AFTER_MS = 200;

/** Starts a scheduler. Throws CloacaError: STORE_…, ADDRESS_IN_USE, REQUEST_INVALID. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const clock = monotonicClock();
  const store = openStore(options.store, { clock, ids: randomIds(), limits }, ownerAt(options.address));
  const scheduler = new Scheduler({
    store,
    clock,
    runtime: nodeRuntime,
    limits,
    log: options.log,
    retention: { forMs: options.keepRunsForMs ?? null, newest: options.keepRuns ?? null },
    checkBooks: options.checkBooks ?? false,
  });
  try {
    const { address, allowOrigins = [] } = options;
    const doors = await openDoors(scheduler, { address, allowOrigins });
    scheduler.start();
    options.log.info("server_started", { address: doors.address, store: options.store, ...store.stats() });
    const end = async (): Promise<void> => {
      await scheduler.stop(RECONNECT_AFTER_MS);
      await doors.close(STOP_GRACE_MS);
      await store.close();
      options.log.info("server_stopped", {});
    };
    let ended: Promise<void> | null = null;
    const stop = (): Promise<void> => {
      ended ??= end();
      return ended;
    };
    void store.lost.then(({ message }) => {
      options.log.error("store_lost", { error: message });
      // Whoever stops it hears that the store could not be closed well.
      stop().catch(() => {});
    });
    return { address: doors.address, scheduler, storeLost: store.lost, stop };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What a second scheduler that wants the same store is told of this one. Which port it gets is not known yet where it takes any. */
function ownerAt(address: string): string {
  return address.endsWith(":0") ? "" : `address ${address}`;
}

/**
 * Wall time at the start, monotonic from there on, and never before what the store was told: it runs ahead of a clock that was
 * set back, until a start finds that one later again. Whole milliseconds: they are in every row and every event.
 */
function monotonicClock(): Clock {
  let offset = Date.now() - performance.now();
  return {
    now: () => Math.floor(offset + performance.now()),
    notBefore(at) {
      offset = Math.max(offset, at - performance.now());
    },
  };
}

function randomIds(): Ids {
  return {
    // 9 characters of time, so that ids sort by it, and 60 random bits.
    runId: (now) => `r${Math.floor(now).toString(36).padStart(9, "0")}${letters(12)}`,
    sessionId: () => `s${letters(16)}`,
    secret: () => randomBytes(24).toString("base64url"),
  };
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuv";
let pool = Buffer.alloc(0);
let used = 0;

/** Random base-32 text; entropy is fetched in blocks, since one call an id would be the slowest part of a start. */
function letters(count: number): string {
  if (used + count > pool.length) {
    pool = randomBytes(8192);
    used = 0;
  }
  let text = "";
  for (let end = used + count; used < end; used++) text += ALPHABET[(pool[used] ?? 0) & 31];
  return text;
}
