/** The client of the bench: registers workflows, starts runs, and counts those that end, from the event log. */
import { type MessageInitShape, toJson } from "@bufbuild/protobuf";
import {
  HostAdminService,
  RunEventType,
  RunService,
  type RunSpecSchema,
  StartResultSchema,
  type WatchRunsResponse,
  type WorkflowDefinitionSchema,
  WorkflowService,
} from "@cloaca/protocol";
import type { Client, ClientReadableStream } from "@grpc/grpc-js";
import { callServerStream, callUnary, connect } from "../wire/calls.js";

export type Workflow = MessageInitShape<typeof WorkflowDefinitionSchema>;
export type RunSpec = MessageInitShape<typeof RunSpecSchema>;

/** Runs that have ended, and when the last one did, by `performance.now`. */
export interface Finished {
  readonly count: number;
  readonly at: number;
}

/** How long a count may stand still before the bench gives up. */
const STALLED_MS = 20_000;

export class RunClient {
  readonly #client: Client;
  readonly #finished = new Map<string, Finished>();
  #watching: ClientReadableStream<WatchRunsResponse> | null = null;
  #failed: Error | null = null;
  #waiting: (() => void)[] = [];

  constructor(address: string) {
    this.#client = connect(address);
  }

  async register(workflow: Workflow): Promise<void> {
    await callUnary(this.#client, WorkflowService.method.registerWorkflow, { definition: workflow });
  }

  async start(run: RunSpec): Promise<void> {
    await callUnary(this.#client, RunService.method.startRun, { run });
  }

  /** Starts so many runs in one call; each must be accepted. */
  async startMany(count: number, run: RunSpec): Promise<void> {
    const runs = Array.from({ length: count }, () => run);
    const { results } = await callUnary(this.#client, RunService.method.startRuns, { runs });
    const refused = results.find((result) => result.result.case !== "started");
    if (refused !== undefined) throw new Error(`a start failed: ${JSON.stringify(toJson(StartResultSchema, refused))}`);
  }

  /** Hosts that the scheduler knows, and how many of them are connected. */
  async hosts(): Promise<{ known: number; connected: number }> {
    let known = 0;
    let connected = 0;
    // A page ends where it would be too large for a message, whatever its size was to be.
    for (let pageToken = ""; ; ) {
      const page = await callUnary(this.#client, HostAdminService.method.listHosts, { pageSize: 1_000, pageToken });
      known += page.hosts.length;
      connected += page.hosts.filter((host) => host.connected).length;
      if (page.nextPageToken === "") return { known, connected };
      pageToken = page.nextPageToken;
    }
  }

  /** Counts runs that end from now on. Resolves once the scheduler says that it is watched. */
  async watch(): Promise<void> {
    const types = [RunEventType.RUN_SUCCEEDED, RunEventType.RUN_FAILED, RunEventType.RUN_CANCELLED];
    const stream = callServerStream(this.#client, RunService.method.watchRuns, { types });
    this.#watching = stream;
    stream.on("error", (error) => this.#fail(error));
    const first = new Promise<void>((resolve) => stream.once("data", () => resolve()));
    stream.on("data", ({ events }: WatchRunsResponse) => {
      for (const { type, workflow, runId, reason } of events) {
        if (type === RunEventType.RUN_SUCCEEDED)
          this.#finished.set(workflow, { count: this.finished(workflow) + 1, at: performance.now() });
        else this.#fail(new Error(`run ${runId} did not succeed: ${reason}`));
      }
      this.#wake();
    });
    await first;
  }

  /** Runs of a workflow that have succeeded since `watch`. */
  finished(workflow: string): number {
    return this.lastFinished(workflow).count;
  }

  /** The same with the time of the last one. */
  lastFinished(workflow: string): Finished {
    return this.#finished.get(workflow) ?? { count: 0, at: 0 };
  }

  /** Waits until so many runs of a workflow have succeeded. */
  async untilFinished(workflow: string, count: number): Promise<void> {
    let last = this.finished(workflow);
    let deadline = performance.now() + STALLED_MS;
    while (this.finished(workflow) < count) {
      if (this.#failed !== null) throw this.#failed;
      if (this.finished(workflow) > last) {
        last = this.finished(workflow);
        deadline = performance.now() + STALLED_MS;
      }
      if (performance.now() > deadline) throw new Error(`${workflow}: only ${last} of ${count} runs have ended`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  close(): void {
    const watching = this.#watching;
    watching?.removeAllListeners("error").on("error", () => {});
    watching?.cancel();
    this.#client.close();
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
