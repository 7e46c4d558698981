/** A client of the simulation: it asks until it has an answer, with the same request id, and remembers what it was told. */
import { CloacaError } from "../../server/src/core/errors.js";
import type { RunControl } from "../../server/src/core/run-control.js";
import type { Facts } from "./facts.js";
import type { Random } from "./random.js";
import type { Incarnation } from "./scheduler-process.js";
import type { VirtualTime } from "./virtual-time.js";

const START = { namespace: "default", version: "", context: {}, labels: {}, traceparent: "", timeoutMs: 0 };
/** Without an answer for so long, a request is made again. */
const PATIENCE_MS = 2_000;

export interface ClientWorld {
  readonly time: VirtualTime;
  readonly facts: Facts;
  readonly random: Random;
  /** Null while no scheduler runs. */
  scheduler(): Incarnation | null;
  trace(line: string): void;
}

export class Client {
  /** Ids of runs, in the order of their starts. */
  readonly runs: string[] = [];
  /** Requests without an answer. */
  open = 0;
  #requests = 0;

  constructor(readonly world: ClientWorld) {}

  start(workflow: string, priority: number): void {
    const requestId = `request-${++this.#requests}`;
    this.#ask(
      (incarnation) => incarnation.scheduler.startRun({ ...START, workflow, priority, requestId }),
      ({ runId }) => {
        this.world.trace(`client: ${requestId} is run ${runId}`);
        this.runs.push(runId);
        this.world.facts.told(`run:${runId}`);
      },
      // Its answer was lost, and what it started has run and is gone.
      (code) => code === "REQUEST_ID_CONFLICT" && this.world.facts.has(`purged-request:${requestId}`),
    );
  }

  control(run: number, control: RunControl): void {
    const runId = this.runs[run];
    if (runId === undefined) return;
    this.#ask(
      (incarnation) => incarnation.scheduler.controlRun({ namespace: "default", runId, control }),
      ({ status }) => {
        this.world.trace(`client: ${control.type} of run ${runId}: ${status}`);
        if (control.type === "cancel" && status === "CANCELLED") this.world.facts.told(`RUN_CANCELLED:${runId}`);
      },
      (code) => code === "RUN_NOT_FOUND" && this.world.facts.has(`purged:${runId}`),
    );
  }

  #ask<T>(
    request: (incarnation: Incarnation) => Promise<T>,
    answered: (answer: T) => void,
    isPurged: (code: string) => boolean,
  ): void {
    this.open++;
    let isDone = false;
    const attempt = (): void => {
      if (isDone) return;
      const incarnation = this.world.scheduler();
      if (incarnation === null) {
        this.#later(200, attempt);
        return;
      }
      incarnation.input(() => {
        request(incarnation).then(
          (answer) => {
            // A scheduler that is gone answers nobody.
            if (isDone || !incarnation.isAlive) return;
            isDone = true;
            this.open--;
            answered(answer);
          },
          (error: unknown) => {
            if (isDone || !incarnation.isAlive) return;
            const { code, message } = CloacaError.from(error);
            this.world.trace(`client: ${code}`);
            if (code === "STORE_UNAVAILABLE" || code === "DRAINING") return;
            isDone = true;
            this.open--;
            if (code === "RUN_NOT_FAILED" || code === "WORKFLOW_NOT_FOUND" || isPurged(code)) return;
            this.world.facts.breach(`client: ${code}: ${message}`);
          },
        );
      });
      this.#later(PATIENCE_MS, attempt);
    };
    attempt();
  }

  #later(ms: number, callback: () => void): void {
    this.world.time.after(ms, callback);
  }
}
