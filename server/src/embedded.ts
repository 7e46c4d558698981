/** A scheduler inside another program, as the SDK's DefaultRunner starts it. */
import { type RunningServer, startServer } from "./start-server.js";

export type { InMemoryHost, InMemoryMethod, InMemoryStream } from "./rpc/in-memory.js";
export {
  type Simulate,
  type SimulatedScheduler,
  type SimulationOptions,
  type SimulationTime,
  simulate,
} from "./simulated-scheduler.js";

export interface EmbeddedOptions {
  /** `memory:` or `sqlite://<path>`. */
  readonly store: string;
  /** Host and port to listen on; `127.0.0.1:0` takes a free one. */
  readonly address: string;
}

export type StartEmbedded = (
  options: EmbeddedOptions,
) => Promise<Pick<RunningServer, "address" | "storeLost" | "stop">>;

const QUIET = { info() {}, warn() {}, error() {} };

/** Starts a scheduler that writes no log. Throws CloacaError: STORE_…, ADDRESS_IN_USE. */
export const startEmbedded: StartEmbedded = (options) => startServer({ ...options, log: QUIET });
