/** The scheduler in this very process: `@cloaca/server/embedded`, which only those install who want it. */
import type { Simulate, StartEmbedded } from "@cloaca/server/embedded";
import { CloacaError } from "../errors/index.js";

/** What the SDK uses of the scheduler's code. */
export interface ServerCode {
  readonly startEmbedded: StartEmbedded;
  readonly simulate: Simulate;
}

/** Put together at run time: a bundler that could read it would put the whole scheduler into every host. */
const SERVER = ["@cloaca/server", "embedded"].join("/");

export interface EmbeddedScheduler {
  readonly url: string;
  /** Resolves with why its disk did not take what was committed: it has ended then, by itself. */
  readonly lost: Promise<Error>;
  stop(): Promise<void>;
}

/** Starts one on a store, listening on loopback. */
export async function startEmbedded(store: string, listen: string): Promise<EmbeddedScheduler> {
  const { startEmbedded: start } = await loadServer(
    `the store ${store} needs the scheduler in this process: npm install @cloaca/server, or name a scheduler by grpc://host:port`,
  );
  const server = await start({ store, address: listen });
  const lost = server.storeLost.then((error) => new CloacaError("STORE_UNAVAILABLE", error.message, { cause: error }));
  return { url: `grpc://${server.address}`, lost, stop: () => server.stop() };
}

/**
 * Loads the scheduler's code.
 *
 * @param missing what to say when it is not installed
 * @throws CloacaError `SERVER_MISSING`
 */
export async function loadServer(missing: string): Promise<ServerCode> {
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ SERVER)) as ServerCode;
  } catch (error) {
    throw new CloacaError("SERVER_MISSING", missing, { cause: error });
  }
}
