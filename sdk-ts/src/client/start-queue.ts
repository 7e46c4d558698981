/** Starts that share messages: what is started in one turn of the loop goes out together. */
import { CloacaError, RemoteError } from "../errors/index.js";
import { type StartedRun, type StartSpec, specBytes, startTooLarge } from "../protocol/run-calls.js";
import { isTooLarge } from "../protocol/too-large.js";

/** Starts in one message at the most, and its size, unless one start alone is larger. */
const MAX_BATCH = 1_000;
const MAX_BATCH_BYTES = 1024 * 1024;

/** After what is ready in this turn of the loop; a browser has nothing but a timer for it. */
const nextTurn: (callback: () => void) => void = typeof setImmediate === "function" ? setImmediate : setTimeout;

type Send = (specs: readonly StartSpec[]) => Promise<(StartedRun | RemoteError)[]>;

interface PendingStart {
  readonly spec: StartSpec;
  /** Size of the spec in a message. */
  readonly bytes: number;
  readonly resolve: (started: StartedRun) => void;
  readonly reject: (error: unknown) => void;
}

export class StartQueue {
  readonly #send: Send;
  #pending: PendingStart[] = [];

  /** @param send carries a message, with a result for each of its starts, in order */
  constructor(send: Send) {
    this.#send = send;
  }

  add(spec: StartSpec): Promise<StartedRun> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ spec, bytes: specBytes(spec), resolve, reject });
      if (this.#pending.length === 1) nextTurn(() => this.#flush());
    });
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const batch of batches(pending)) void this.#start(batch);
  }

  async #start(batch: readonly PendingStart[]): Promise<void> {
    try {
      const results = await this.#send(batch.map(({ spec }) => spec));
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new RemoteError("INTERNAL", "the scheduler gave no result for this start"));
        else if (result instanceof RemoteError) reject(result);
        else resolve(result);
      });
    } catch (error) {
      this.#failed(batch, error);
    }
  }

  /** A message that was refused as a whole started nothing: its halves are said again, down to what was wrong with it. */
  #failed(batch: readonly PendingStart[], error: unknown): void {
    if (batch.length > 1 && isRefusedWhole(error)) {
      const half = Math.ceil(batch.length / 2);
      void this.#start(batch.slice(0, half));
      void this.#start(batch.slice(half));
      return;
    }
    const isAlone = batch.length === 1;
    for (const { spec, reject } of batch) reject(isAlone && isTooLarge(error) ? startTooLarge(spec, error) : error);
  }
}

/** Whether a message was refused before any of its starts was looked at. */
function isRefusedWhole(error: unknown): boolean {
  return isTooLarge(error) || (error instanceof CloacaError && error.code === "REQUEST_INVALID");
}

function* batches(pending: readonly PendingStart[]): Iterable<readonly PendingStart[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, { bytes: own }] of pending.entries()) {
    if (at > from && (at - from === MAX_BATCH || bytes + own > MAX_BATCH_BYTES)) {
      yield pending.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += own;
  }
  if (from < pending.length) yield pending.slice(from);
}
