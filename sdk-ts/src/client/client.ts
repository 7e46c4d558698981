/** Starts runs, waits for them, looks at them and cancels them. */
import { randomUUID } from "node:crypto";
import { RemoteError, RunFailedError } from "../errors/index.js";
import { Channel } from "../protocol/channel.js";
import {
  cancelRun,
  getRun,
  type ListQuery,
  listRuns,
  listTaskRuns,
  type RunEventInfo,
  type RunInfo,
  type RunStatusName,
  registerWorkflow,
  type StartedRun,
  type StartSpec,
  startRuns,
  type TaskRunInfo,
  type WatchQuery,
  watchRuns,
} from "../protocol/run-calls.js";
import { Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";
import { contextFromWire, contextToWire } from "../task/context-wire.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { inputToWire } from "../task/input.js";
import { toWireWorkflow } from "../task/wire-workflow.js";

export interface ClientOptions {
  /** Address of the scheduler: `grpc://host:port`, or `grpcs://` for TLS. */
  readonly url: string;
  /** `default` by default. */
  readonly namespace?: string;
}

export interface StartOptions {
  /** Version to pin the run to; the current one by default. */
  readonly version?: string;
  /** Higher goes first. 0 by default. */
  readonly priority?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** W3C trace context. */
  readonly traceparent?: string;
  /**
   * The same id with the same content starts one run, however often it is said. A random one by default, so that a call that
   * is repeated by the transport does not start two.
   */
  readonly requestId?: string;
}

/** What a run starts with: a context, or plain values. */
export type StartInput<Input extends object = OpenValues> = Context<object> | Input;

/** What comes after the workflow in a call that starts a run. The input may be left out where the workflow needs none. */
export type StartArguments<Input extends object> =
  Record<never, never> extends Input
    ? [input?: StartInput<Input>, options?: StartOptions]
    : [input: StartInput<Input>, options?: StartOptions];

/** A run that succeeded. */
export interface RunResult {
  readonly runId: string;
  /** The final context: the leaves' views, folded. */
  readonly context: Context;
  readonly run: RunInfo;
}

/** Starts in one message at the most, and the size of their contexts, about, in UTF-16 units. */
const MAX_BATCH = 1_000;
const MAX_BATCH_UNITS = 1024 * 1024;
/** Longest wait of one call; a longer one is made of several. */
const WAIT_MS = 30_000;

interface PendingStart {
  readonly spec: StartSpec;
  readonly resolve: (started: StartedRun) => void;
  readonly reject: (error: unknown) => void;
}

export class Client {
  readonly #channel: Channel;
  readonly #namespace: string;
  #pending: PendingStart[] = [];

  constructor({ url, namespace = "" }: ClientOptions) {
    this.#channel = new Channel(url);
    this.#namespace = namespace;
  }

  /** Registers a workflow without a host; returns its version. A host registers its own. */
  register(workflow: WorkflowDefinition<object>): Promise<string> {
    return registerWorkflow(this.#channel, this.#namespace, toWireWorkflow(workflow));
  }

  /**
   * Starts a run. Concurrent calls share messages and commits.
   *
   * @param workflow a workflow, or its name
   * @param input what the run starts with
   * @throws InputError with every problem, when the workflow's schema does not take the input, or a value is none of JSON
   * @throws RemoteError with `WORKFLOW_NOT_FOUND`, `REQUEST_ID_CONFLICT`, `CONTEXT_TOO_LARGE`, …
   */
  async start<Input extends object = OpenValues>(
    workflow: WorkflowDefinition<Input> | string,
    ...args: StartArguments<Input>
  ): Promise<StartedRun> {
    const [input = {}, options = {}] = args;
    const { version = "", priority = 0, labels = {}, traceparent = "", requestId = randomUUID() } = options;
    const name = typeof workflow === "string" ? workflow : workflow.name;
    const definition = typeof workflow === "string" ? { name } : workflow;
    const context = await textOf(definition, input);
    const spec: StartSpec = { workflow: name, version, context, priority, labels, traceparent, requestId };
    return new Promise((resolve, reject) => {
      this.#pending.push({ spec, resolve, reject });
      // One message for what is started in one turn of the loop.
      if (this.#pending.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Starts many runs; one result for each input, in order: what could not start is an error, and harms no other. */
  startMany<Input extends object = OpenValues>(
    workflow: WorkflowDefinition<Input> | string,
    inputs: readonly StartInput<NoInfer<Input>>[],
    options: Omit<StartOptions, "requestId"> = {},
  ): Promise<(StartedRun | RemoteError)[]> {
    return Promise.all(
      inputs.map((input) =>
        this.start(workflow, input, options).catch((error: unknown) => {
          if (error instanceof RemoteError) return error;
          throw error;
        }),
      ),
    );
  }

  /** Returns a run as it is now. */
  get(runId: string): Promise<RunInfo> {
    return getRun(this.#channel, this.#namespace, runId, 0);
  }

  /** Returns a run once it has ended. */
  async wait(runId: string, signal?: AbortSignal): Promise<RunInfo> {
    for (;;) {
      signal?.throwIfAborted();
      const run = await getRun(this.#channel, this.#namespace, runId, WAIT_MS);
      if (run.status === "SUCCEEDED" || run.status === "FAILED" || run.status === "CANCELLED") return run;
    }
  }

  /**
   * Waits for a run and returns its final context.
   *
   * @throws RunFailedError when it failed or was cancelled, with the tasks that did not succeed
   */
  async result(runId: string, signal?: AbortSignal): Promise<RunResult> {
    const run = await this.wait(runId, signal);
    if (run.status === "SUCCEEDED") return { runId, run, context: contextFromWire(run.contextText) };
    const tasks = await this.tasks(runId);
    throw new RunFailedError({
      runId,
      workflow: run.workflow,
      status: run.status,
      reason: run.reason,
      tasks: tasks
        .filter(({ state }) => state !== "SUCCEEDED")
        .map(({ task, state, failure, reason }) => ({
          task,
          state,
          reason,
          ...(failure === null ? null : { failure }),
        })),
    });
  }

  /** Starts a run and returns its result. */
  async execute<Input extends object = OpenValues>(
    workflow: WorkflowDefinition<Input> | string,
    ...args: StartArguments<Input>
  ): Promise<RunResult> {
    const { runId } = await this.start(workflow, ...args);
    return this.result(runId);
  }

  /** A page of runs, newest first. */
  list(query: ListQuery = {}): Promise<{ runs: RunInfo[]; nextPageToken: string }> {
    return listRuns(this.#channel, this.#namespace, query);
  }

  /** The task runs of a run, in declared order. */
  tasks(runId: string): Promise<TaskRunInfo[]> {
    return listTaskRuns(this.#channel, this.#namespace, runId);
  }

  /**
   * Follows the event log: of one run from its first event to its last, of all runs from now on. `cursor` goes on after what
   * was seen.
   */
  watch(query: WatchQuery = {}, signal?: AbortSignal): AsyncGenerator<{ events: RunEventInfo[]; cursor: string }> {
    return watchRuns(this.#channel, this.#namespace, query, signal);
  }

  /** Cancels a run; returns its status after that, which is another than CANCELLED if it had ended before. */
  cancel(runId: string, reason = ""): Promise<RunStatusName> {
    return cancelRun(this.#channel, this.#namespace, runId, reason);
  }

  /** Ends the connection. */
  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const batch of batches(pending)) void this.#startBatch(batch);
  }

  async #startBatch(batch: readonly PendingStart[]): Promise<void> {
    try {
      const specs = batch.map((p) => p.spec);
      const results = await startRuns(this.#channel, this.#namespace, specs);
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

/** A workflow's schema checks and completes plain values; a context is what somebody has made of them already. */
async function textOf(
  definition: Pick<WorkflowDefinition<object>, "name" | "input">,
  input: StartInput<object>,
): Promise<Record<string, string>> {
  return input instanceof Context ? contextToWire(input) : inputToWire(definition, input);
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
