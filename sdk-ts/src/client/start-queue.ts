/** Starts that share messages: what is started in one turn of the loop goes out together. */
import { RemoteError } from "../errors/index.js";
import type { StartedRun, StartSpec } from "../protocol/run-calls.js";

/** Starts in one message at the most, and the size of their contexts, about, in UTF-16 units. */
const MAX_BATCH = 1_000;
const MAX_BATCH_UNITS = 1024 * 1024;

/** After what is ready in this turn of the loop; a browser has nothing but a timer for it. */
const nextTurn: (callback: () => void) => void = typeof setImmediate === "function" ? setImmediate : setTimeout;

type Send = (specs: readonly StartSpec[]) => Promise<(StartedRun | RemoteError)[]>;

interface PendingStart {
  readonly spec: StartSpec;
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
      this.#pending.push({ spec, resolve, reject });
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
      for (const { reject } of batch) reject(error);
    }
  }
}

function* batches(pending: readonly PendingStart[]): Iterable<readonly PendingStart[]> {
  let from = 0;
  let units = 0;
  for (const [at, { spec }] of pending.entries()) {
    let own = 0;
    for (const [key, text] of Object.entries(spec.context)) own += key.length + text.length;
    if (at > from && (at - from === MAX_BATCH || units + own > MAX_BATCH_UNITS)) {
      yield pending.slice(from, at);
      from = at;
      units = 0;
    }
    units += own;
  }
  if (from < pending.length) yield pending.slice(from);
}
