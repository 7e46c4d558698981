/** `RunService`: starts runs, shows them, watches them and cancels them. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type CancelRunRequest,
  CancelRunResponseSchema,
  type ExplainRunRequest,
  ExplainRunResponseSchema,
  type GetRunRequest,
  GetRunResponseSchema,
  type ListRunsRequest,
  ListRunsResponseSchema,
  type ListTaskRunsRequest,
  ListTaskRunsResponseSchema,
  type PauseRunRequest,
  PauseRunResponseSchema,
  type ResumeRunRequest,
  ResumeRunResponseSchema,
  type RetryRunRequest,
  RetryRunResponseSchema,
  RunEventType,
  type RunService,
  type RunSpec,
  RunStatus,
  type StartRunRequest,
  type StartRunResponseSchema,
  type StartRunsRequest,
  type StartRunsResponseSchema,
  type WatchRunsRequest,
  type WatchRunsResponseSchema,
} from "@cloaca/protocol";
import { CloacaError } from "../core/errors.js";
import { MAX_TIMEOUT_MS } from "../core/graph.js";
import type { RunEventType as DomainEventType, RunStatus as DomainStatus, Problem, TaskRun } from "../core/model.js";
import { didYouMean } from "../core/nearest.js";
import { checkContext, contextBytes } from "../core/patch.js";
import { quote } from "../core/quote.js";
import type { RunControl, RunControlled } from "../core/run-control.js";
import { isRunOver } from "../core/run-machine.js";
import { isTerminal } from "../core/task-run.js";
import { forPeople, labelsProblems, lengthProblems } from "../core/texts.js";
import { explain } from "../engine/explain.js";
import { noResult } from "../engine/inbox.js";
import { runNotFound } from "../engine/run-not-found.js";
import { drainingError, type Scheduler } from "../engine/scheduler.js";
import type { StartResult } from "../engine/turn.js";
import { watch } from "../engine/watch.js";
import { parsePageToken } from "../store/page-token.js";
import type { EventChunk, RunView, StartedRun, StartRun } from "../store/store.js";
import { decodeCursor, encodeCursor } from "./cursor.js";
import { namespaceOf } from "./from-wire.js";
import type { OnGone } from "./on-gone.js";
import { lossesBytes, pageOf, pageSize } from "./paging.js";
import { explanationToWire, runToWire, runViewToWire, taskRunToWire } from "./runs-to-wire.js";
import type { MethodsOf } from "./service-methods.js";
import { watchMessages } from "./watch-messages.js";

const MAX_STARTS = 1_000;
/** Longest `request_id` or `traceparent`. */
const MAX_ID_LENGTH = 256;
const MAX_WAIT_MS = 60_000;
const MAX_EXPLAINED = 1_000;

export class RunServiceRpc implements MethodsOf<typeof RunService> {
  constructor(readonly scheduler: Scheduler) {}

  async startRun(request: StartRunRequest): Promise<MessageInitShape<typeof StartRunResponseSchema>> {
    return startedToWire(await this.scheduler.startRun(this.#toStart(request.namespace, request.run, "run")));
  }

  async startRuns(request: StartRunsRequest): Promise<MessageInitShape<typeof StartRunsResponseSchema>> {
    if (request.runs.length > MAX_STARTS) {
      throw new CloacaError(
        "REQUEST_INVALID",
        `runs has ${request.runs.length} items; at most ${MAX_STARTS} are allowed`,
      );
    }
    const items: StartRun[] = [];
    const results = request.runs.map((spec, index): StartResult | null => {
      try {
        items.push(this.#toStart(request.namespace, spec, `runs[${index}]`));
        return null;
      } catch (error) {
        return CloacaError.from(error);
      }
    });
    const started = (items.length === 0 ? [] : await this.scheduler.startRuns(items)).values();
    return { results: results.map((refused) => startResultToWire(refused ?? started.next().value ?? noResult())) };
  }

  /** `onGone` tells when nobody waits for the answer any more. */
  async getRun(request: GetRunRequest, onGone: OnGone = () => {}) {
    const namespace = namespaceOf(request.namespace);
    if (request.waitMs > MAX_WAIT_MS) {
      throw new CloacaError("REQUEST_INVALID", `wait_ms is ${request.waitMs}; allowed are 0 to ${MAX_WAIT_MS}`);
    }
    // Before the first look: an end in between must not be missed.
    const end = this.#end(request);
    try {
      let view = await this.#readRun(namespace, request.runId);
      if (request.waitMs > 0 && !isRunOver(view.run.status)) {
        onGone(end.cancel);
        await end.promise;
        view = await this.#readRun(namespace, request.runId);
      }
      return create(GetRunResponseSchema, { run: runViewToWire(view) });
    } finally {
      end.cancel();
    }
  }

  async listRuns(request: ListRunsRequest) {
    const page = await this.scheduler.store.listRuns({
      namespace: namespaceOf(request.namespace),
      workflow: request.workflow,
      statuses: request.statuses.map((status, index) => statusOf(status, `statuses[${index}]`)),
      pageSize: pageSize(request.pageSize, 100),
      pageToken: request.pageToken,
    });
    return create(ListRunsResponseSchema, { runs: page.items.map(runToWire), nextPageToken: page.nextPageToken });
  }

  async listTaskRuns(request: ListTaskRunsRequest) {
    const view = await this.#readRun(namespaceOf(request.namespace), request.runId);
    const from = request.pageToken === "" ? 0 : parsePageToken(request.pageToken);
    const page = pageOf(view.tasks, from, pageSize(request.pageSize, 1_000), taskRunBytes);
    const now = this.scheduler.options.clock.now();
    return create(ListTaskRunsResponseSchema, {
      taskRuns: page.items.map((task) => taskRunToWire(task, view.graph, now)),
      nextPageToken: page.nextPageToken,
    });
  }

  async cancelRun({ namespace, runId, reason }: CancelRunRequest) {
    const { status } = await this.#control(namespace, runId, { type: "cancel", reason: forPeople(reason) });
    return create(CancelRunResponseSchema, { status: RunStatus[status] });
  }

  async pauseRun({ namespace, runId, reason }: PauseRunRequest) {
    const { status } = await this.#control(namespace, runId, { type: "pause", reason: forPeople(reason) });
    return create(PauseRunResponseSchema, { status: RunStatus[status] });
  }

  async resumeRun({ namespace, runId }: ResumeRunRequest) {
    const { status } = await this.#control(namespace, runId, { type: "resume" });
    return create(ResumeRunResponseSchema, { status: RunStatus[status] });
  }

  async retryRun({ namespace, runId, requestId }: RetryRunRequest) {
    const { status, resetTasks } = await this.#control(namespace, runId, { type: "retry", requestId });
    return create(RetryRunResponseSchema, { status: RunStatus[status], resetTasks: [...resetTasks] });
  }

  async explainRun({ namespace: named, runId, tasks }: ExplainRunRequest) {
    const namespace = namespaceOf(named);
    const view = await this.#readRun(namespace, runId);
    const wanted = wantedTasks(view, tasks);
    const shown = wanted.slice(0, MAX_EXPLAINED);
    const explained = await explain(this.scheduler, view, shown);
    return create(ExplainRunResponseSchema, {
      status: RunStatus[view.run.status],
      tasks: explained.map((explanation) => explanationToWire(explanation, view)),
      leftOut: wanted.length - shown.length,
    });
  }

  /** Ends with the log, when `signal` aborts, or with DRAINING when the scheduler stops. */
  async *watchRuns(
    { namespace: named, runId, workflow, types, cursor, fromStart, untilEnd }: WatchRunsRequest,
    signal: AbortSignal,
  ): AsyncGenerator<MessageInitShape<typeof WatchRunsResponseSchema>> {
    const namespace = namespaceOf(named);
    const { store, stopBell } = this.scheduler;
    const { position } = store.stats();
    // Read before the log is: a run that ends after this is followed to its last event.
    let over = runId !== "" && isRunOver((await this.#readRun(namespace, runId)).run.status);
    types.forEach((type, index) => {
      if (RunEventType[type] === undefined || type === RunEventType.UNSPECIFIED) throw unknownType(type, index);
    });
    const first = { position: runId === "" && !fromStart ? position : 0, told: 0 };
    const begin = cursor === "" ? first : decodeCursor(cursor, position);
    const stopping = new AbortController();
    const unlisten = stopBell.listen(() => stopping.abort());
    const query = { namespace, runId: runId === "" ? null : runId, after: begin.position };
    const onlyTypes = new Set(types);
    const wanted = (chunk: EventChunk, type: DomainEventType): boolean =>
      (workflow === "" || chunk.workflow === workflow) && (onlyTypes.size === 0 || onlyTypes.has(RunEventType[type]));
    try {
      for await (const watched of watch(this.scheduler, query, AbortSignal.any([signal, stopping.signal]))) {
        for (const { events, cursor: at, isEnd } of watchMessages(watched, begin, wanted)) {
          // What follows an end is a run that was retried.
          if (runId !== "") over = isEnd ?? over;
          yield { events, cursor: encodeCursor(at) };
        }
        // A watch that begins after the last event of a run has nothing to wait for.
        if (over && !watched.more) break;
        if (untilEnd && (!watched.more || watched.position >= position)) break;
      }
    } finally {
      unlisten();
    }
    // Not a good end, which would say that the log has none after this.
    if (stopping.signal.aborted) throw drainingError();
  }

  #toStart(namespace: string, spec: RunSpec | undefined, path: string): StartRun {
    if (spec === undefined || spec.workflow === "") {
      throw CloacaError.fromProblems("REQUEST_INVALID", "start", [
        { field: `${path}.workflow`, description: "is empty; name the workflow to run" },
      ]);
    }
    const { workflow, version, context, priority, labels, traceparent, requestId, timeoutMs } = spec;
    const malformed = [
      ...labelsProblems(`${path}.labels`, labels),
      ...lengthProblems(`${path}.traceparent`, traceparent, MAX_ID_LENGTH),
      ...lengthProblems(`${path}.request_id`, requestId, MAX_ID_LENGTH),
    ];
    if (malformed.length > 0) throw CloacaError.fromProblems("REQUEST_INVALID", "start", malformed);
    const problems: Problem[] = checkContext(context, `${path}.context`);
    if (problems.length > 0) throw CloacaError.fromProblems("CONTEXT_VALUE_INVALID", "start", problems);
    const bytes = contextBytes(context);
    const { maxContextBytes } = this.scheduler.options.limits;
    if (bytes > maxContextBytes) {
      const message = `${path}.context has ${bytes} bytes, the limit is ${maxContextBytes}`;
      throw new CloacaError("CONTEXT_TOO_LARGE", message);
    }
    if (timeoutMs > MAX_TIMEOUT_MS) {
      const description = `is ${timeoutMs}; allowed are 0 (no limit) to ${MAX_TIMEOUT_MS} milliseconds`;
      throw CloacaError.fromProblems("REQUEST_INVALID", "start", [{ field: `${path}.timeout_ms`, description }]);
    }
    const item = { workflow, version, context, priority, labels, traceparent, requestId, timeoutMs };
    return { namespace: namespaceOf(namespace), ...item };
  }

  #control(namespace: string, runId: string, control: RunControl): Promise<RunControlled> {
    return this.scheduler.controlRun({ namespace: namespaceOf(namespace), runId, control });
  }

  async #readRun(namespace: string, runId: string): Promise<RunView> {
    const view = await this.scheduler.store.readRun(namespace, runId);
    if (view === null) throw runNotFound({ namespace, runId }, this.scheduler.store);
    return view;
  }

  /** Resolves when the run ends from now on, when `wait_ms` is over, or when the scheduler stops. */
  #end({ runId, waitMs }: GetRunRequest): { promise: Promise<void>; cancel: () => void } {
    const { feed, options, stopBell } = this.scheduler;
    let cancel = (): void => {};
    const promise = new Promise<void>((resolve) => {
      const leave = feed.onEnd(runId, resolve);
      const stopTimer = options.runtime.after(waitMs, resolve);
      const unlisten = stopBell.listen(resolve);
      cancel = () => {
        leave();
        unlisten();
        stopTimer();
        resolve();
      };
    });
    return { promise, cancel };
  }
}

/** An upper bound. */
function taskRunBytes({ failure, losses }: TaskRun): number {
  // Losses may stand in the failure, too.
  const texts = failure === null ? 0 : 3 * (failure.message.length + failure.stack.length);
  return 2_048 + texts + 2 * lossesBytes(losses);
}

function startedToWire({ runId, version, existing }: StartedRun) {
  return { runId, workflowVersion: version, existing };
}

function startResultToWire(result: StartResult) {
  if (!(result instanceof CloacaError)) return { result: { case: "started" as const, value: startedToWire(result) } };
  const { code, message, problems } = result;
  return { result: { case: "error" as const, value: { code, message, problems: [...problems] } } };
}

const STATUSES: Readonly<Partial<Record<RunStatus, DomainStatus>>> = {
  [RunStatus.PENDING]: "PENDING",
  [RunStatus.RUNNING]: "RUNNING",
  [RunStatus.PAUSED]: "PAUSED",
  [RunStatus.SUCCEEDED]: "SUCCEEDED",
  [RunStatus.FAILED]: "FAILED",
  [RunStatus.CANCELLED]: "CANCELLED",
};

function statusOf(status: RunStatus, field: string): DomainStatus {
  const known = STATUSES[status];
  if (known !== undefined) return known;
  const description = `is ${status}; allowed are ${Object.values(STATUSES).join(", ")}`;
  throw CloacaError.fromProblems("REQUEST_INVALID", "list", [{ field, description }]);
}

function unknownType(type: number, index: number): CloacaError {
  const known = Object.values(RunEventType).filter((name) => typeof name === "string" && name !== "UNSPECIFIED");
  const description = `is ${type}; allowed are ${known.join(", ")}`;
  return CloacaError.fromProblems("REQUEST_INVALID", "watch", [{ field: `types[${index}]`, description }]);
}

/** Indexes of the named tasks, or of all that have not ended. */
function wantedTasks({ graph, tasks }: RunView, names: readonly string[]): number[] {
  if (names.length === 0) return tasks.filter((task) => !isTerminal(task.state)).map(({ task }) => task);
  const problems: Problem[] = [];
  const found = names.map((name, index) => {
    const task = graph.indexOf.get(name);
    if (task !== undefined) return task;
    const description = `workflow "${graph.definition.name}" has no task ${quote(name)}${didYouMean(name, graph.indexOf.keys())}`;
    problems.push({ field: `tasks[${index}]`, description });
    return -1;
  });
  if (problems.length > 0) throw CloacaError.fromProblems("TASK_NOT_FOUND", "explain", problems);
  return found;
}
