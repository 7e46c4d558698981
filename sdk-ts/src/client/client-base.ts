/** The control plane, over whichever protocol: starts runs, waits for them, shows and controls them; workflows and hosts likewise. */
import { CloacaError, RunFailedError } from "../errors/index.js";
import { type DrainOptions, drainHost, type HostInfo, listHosts } from "../protocol/admin-calls.js";
import type { Calls } from "../protocol/calls.js";
import {
  cancelRun,
  explainRun,
  getRun,
  type ListQuery,
  listRuns,
  listTaskRuns,
  pauseRun,
  type RetriedRun,
  type RunExplanation,
  resumeRun,
  retryRun,
  type StartedRun,
  type StartSpec,
  startRuns,
  type WatchQuery,
  watchRuns,
} from "../protocol/run-calls.js";
import type { RunEventInfo, RunInfo, RunStatusName, TaskRunInfo } from "../protocol/run-info.js";
import {
  listWorkflows,
  listWorkflowTasks,
  pauseWorkflow,
  promoteVersion,
  registerWorkflow,
  resumeWorkflow,
  type WorkflowInfo,
  type WorkflowTaskInfo,
} from "../protocol/workflow-calls.js";
import type { Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";
import { contextFromWire } from "../task/context-wire.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { toWireWorkflow } from "../task/wire-workflow.js";
import { checkArguments, checkWorkflow, DRAIN_OPTIONS, LIST_QUERY, RETRY_OPTIONS, WATCH_QUERY } from "./arguments.js";
import { randomId } from "./random-id.js";
import {
  checkStart,
  checkStarts,
  definitionOf,
  type StartArguments,
  type StartInput,
  type StartOptions,
} from "./start-options.js";
import { StartQueue } from "./start-queue.js";
import { startErrorAt, startSpec, startSpecs } from "./start-spec.js";

export type { StartArguments, StartInput, StartOptions } from "./start-options.js";

/** A run that succeeded. */
export interface RunResult {
  readonly runId: string;
  /** The final context: the leaves' views, folded. */
  readonly context: Context;
  readonly run: RunInfo;
}

/** Longest wait of one call; a longer one is made of several. */
const WAIT_MS = 30_000;

/**
 * What `Client` does, in a program as in a browser. Every method rejects with an `OptionsError` that lists everything that is wrong
 * with what it was given, and with `CLIENT_CLOSED` after `close`.
 */
export abstract class ClientBase {
  readonly #channel: Calls;
  readonly #namespace: string;
  readonly #starts: StartQueue;

  /** @param namespace empty for the default one */
  protected constructor(channel: Calls, namespace: string) {
    this.#channel = channel;
    this.#namespace = namespace;
    this.#starts = new StartQueue((specs) => startRuns(channel, namespace, specs));
  }

  /**
   * Registers a workflow without a host; returns its version. A host registers its own.
   *
   * @throws RemoteError with `DEFINITION_INVALID` when the scheduler does not take it, or it is larger than a message may be
   */
  async register(workflow: WorkflowDefinition<object>): Promise<string> {
    checkWorkflow("client.register", workflow);
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
    checkStart(workflow, options);
    return this.#starts.add(await startSpec(definitionOf(workflow), input, options));
  }

  /**
   * Starts many runs; one result for each input, in order: what could not start is an error, and harms no other. Problems name
   * the input that they are of, as in `inputs[2].day`.
   *
   * @throws OptionsError before anything is started, when what all of them share is wrong
   */
  async startMany<Input extends object = OpenValues>(
    workflow: WorkflowDefinition<Input> | string,
    inputs: readonly StartInput<NoInfer<Input>>[],
    options: Omit<StartOptions, "requestId"> = {},
  ): Promise<(StartedRun | CloacaError)[]> {
    checkStarts(workflow, inputs, options);
    const specs = await startSpecs(definitionOf(workflow), inputs, options);
    const start = async (spec: StartSpec | CloacaError, index: number): Promise<StartedRun | CloacaError> => {
      if (spec instanceof CloacaError) return spec;
      return this.#starts.add(spec).catch((error: unknown) => startErrorAt(index, error));
    };
    return Promise.all(specs.map(start));
  }

  /** Returns a run as it is now. */
  async get(runId: string): Promise<RunInfo> {
    checkArguments("client.get", { runId });
    return getRun(this.#channel, this.#namespace, runId, 0);
  }

  /** Returns a run once it has ended. */
  async wait(runId: string, signal?: AbortSignal): Promise<RunInfo> {
    checkArguments("client.wait", { runId, signal });
    for (;;) {
      if (signal?.aborted) throw signal.reason ?? new DOMException("The wait was aborted", "AbortError");
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
  async list(query: ListQuery = {}): Promise<{ runs: RunInfo[]; nextPageToken: string }> {
    checkArguments("client.list", {}, { given: query, table: LIST_QUERY });
    return listRuns(this.#channel, this.#namespace, query);
  }

  /** The task runs of a run, in declared order. */
  async tasks(runId: string): Promise<TaskRunInfo[]> {
    checkArguments("client.tasks", { runId });
    return listTaskRuns(this.#channel, this.#namespace, runId);
  }

  /**
   * Follows the event log: of one run from its first event to its last, of all runs from now on, or with `fromStart` from the
   * first one on. `untilEnd` ends with what is there now. `cursor` goes on after what
   * was seen.
   *
   * The watch of one run ends with the run. Where a failed run is retried after that, a new watch with the last `cursor` goes on
   * with RUN_RETRIED, to the next end; one from the first event, while the run goes on again, passes over the failure. A watch
   * of all runs never ends by itself: `signal` ends it.
   */
  async *watch(
    query: WatchQuery = {},
    signal?: AbortSignal,
  ): AsyncGenerator<{ events: RunEventInfo[]; cursor: string }> {
    checkArguments("client.watch", { signal }, { given: query, table: WATCH_QUERY });
    yield* watchRuns(this.#channel, this.#namespace, query, signal);
  }

  /**
   * Cancels a run, and its tasks that have not ended; returns its status after that, which is another than CANCELLED if it had
   * ended before.
   *
   * @param reason for people, and for the tasks
   * @throws RemoteError with `RUN_NOT_FOUND`
   */
  async cancel(runId: string, reason = ""): Promise<RunStatusName> {
    checkArguments("client.cancel", { runId, reason });
    return cancelRun(this.#channel, this.#namespace, runId, reason);
  }

  /**
   * Pauses a run: none of its tasks is leased until it is resumed. What runs goes on, deferred tasks get their slots, deadlines
   * run. Returns its status after that: PAUSED, or the one with which it had ended before.
   *
   * @throws RemoteError with `RUN_NOT_FOUND`
   */
  async pause(runId: string, reason = ""): Promise<RunStatusName> {
    checkArguments("client.pause", { runId, reason });
    return pauseRun(this.#channel, this.#namespace, runId, reason);
  }

  /**
   * Resumes a paused run, and leaves any other as it is; returns its status after that.
   *
   * @throws RemoteError with `RUN_NOT_FOUND`
   */
  async resume(runId: string): Promise<RunStatusName> {
    checkArguments("client.resume", { runId });
    return resumeRun(this.#channel, this.#namespace, runId);
  }

  /**
   * Takes up a failed run from where it failed: its failed tasks and all tasks after them begin anew, with fresh retries.
   *
   * @param options.requestId the id of the run's last retry again changes nothing. A random one by default, so that a call that
   *   is repeated by the transport does not retry twice.
   * @throws RemoteError with `RUN_NOT_FAILED`, `RUN_NOT_FOUND`
   */
  async retry(runId: string, options: { readonly requestId?: string } = {}): Promise<RetriedRun> {
    checkArguments("client.retry", { runId }, { given: options, table: RETRY_OPTIONS });
    const { requestId = randomId() } = options;
    return retryRun(this.#channel, this.#namespace, runId, requestId);
  }

  /**
   * Tells for each task of a run that has not ended what it waits for: a dependency, a slot, a host, a time, …
   *
   * @param tasks only these; all that have not ended by default
   * @throws RemoteError with `RUN_NOT_FOUND`, `TASK_NOT_FOUND`
   */
  async explain(runId: string, tasks: readonly string[] = []): Promise<RunExplanation> {
    checkArguments("client.explain", { runId, tasks });
    return explainRun(this.#channel, this.#namespace, runId, tasks);
  }

  /** Every version of every workflow, by name and then newest first. */
  workflows(): Promise<WorkflowInfo[]> {
    return listWorkflows(this.#channel, this.#namespace);
  }

  /**
   * The tasks of a version of a workflow, in declared order: its graph.
   *
   * @param version the current one by default
   * @throws RemoteError with `WORKFLOW_NOT_FOUND`, `WORKFLOW_VERSION_NOT_FOUND`
   */
  async workflowTasks(name: string, version = ""): Promise<WorkflowTaskInfo[]> {
    checkArguments("client.workflowTasks", { name, version });
    return listWorkflowTasks(this.#channel, this.#namespace, name, version);
  }

  /**
   * Pauses a workflow, with all its versions: runs may be started, and no task of any run is leased until it is resumed.
   *
   * @returns its current version
   * @throws RemoteError with `WORKFLOW_NOT_FOUND`
   */
  async pauseWorkflow(name: string): Promise<WorkflowInfo> {
    checkArguments("client.pauseWorkflow", { name });
    return pauseWorkflow(this.#channel, this.#namespace, name);
  }

  /**
   * Resumes a paused workflow.
   *
   * @returns its current version
   * @throws RemoteError with `WORKFLOW_NOT_FOUND`
   */
  async resumeWorkflow(name: string): Promise<WorkflowInfo> {
    checkArguments("client.resumeWorkflow", { name });
    return resumeWorkflow(this.#channel, this.#namespace, name);
  }

  /**
   * Says which version new runs take when they name none. Runs that are there stay with theirs.
   *
   * @param version it becomes current, and stays so when a newer one is registered. Empty: the newest is current again.
   * @returns the version that is current now
   * @throws RemoteError with `WORKFLOW_NOT_FOUND`, `WORKFLOW_VERSION_NOT_FOUND`
   */
  async promote(name: string, version = ""): Promise<WorkflowInfo> {
    checkArguments("client.promote", { name, version });
    return promoteVersion(this.#channel, this.#namespace, name, version);
  }

  /** The hosts that are alive, by name, with their slots and leases. */
  hosts(): Promise<HostInfo[]> {
    return listHosts(this.#channel, this.#namespace);
  }

  /**
   * Drains a host: it gets no new leases. What it executes goes on; what it has deferred is handed back after `graceMs`.
   *
   * @returns the host as it is now
   * @throws RemoteError with `HOST_NOT_FOUND`
   */
  async drainHost(hostId: string, options: DrainOptions = {}): Promise<HostInfo> {
    checkArguments("client.drainHost", { hostId }, { given: options, table: DRAIN_OPTIONS });
    return drainHost(this.#channel, this.#namespace, hostId, options);
  }

  /** Ends the connection. */
  close(): void {
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
