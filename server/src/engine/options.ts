import type { Clock } from "../core/ports.js";
import type { Retention, Store } from "../store/store.js";
import type { EngineLimits } from "./limits.js";
import type { Runtime } from "./runtime.js";

/** What a scheduler is made of. */
export interface SchedulerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly limits: EngineLimits;
  readonly log: EngineLog;
  /** Which finished runs stay; left out: all of them. */
  readonly retention?: Retention;
  /** Check the invariants after every turn; for tests, and for operators who doubt. */
  readonly checkBooks?: boolean;
}

/** Events that operators read; `fields` are ids and numbers. */
export interface EngineLog {
  info(event: string, fields: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields: Readonly<Record<string, unknown>>): void;
  error(event: string, fields: Readonly<Record<string, unknown>>): void;
}
