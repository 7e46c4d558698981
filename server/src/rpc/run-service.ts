/** `RunService`: starts runs, shows them, watches them and cancels them. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type CancelRunRequest,
  CancelRunResponseSchema,
  type GetRunRequest,
  GetRunResponseSchema,
  type ListRunsRequest,
  ListRunsResponseSchema,
  type ListTaskRunsRequest,
  ListTaskRunsResponseSchema,
  RunEventType,
  type RunSpec,
  RunStatus,
  type StartRunRequest,
  type StartRunResponseSchema,
  type StartRunsRequest,
  type StartRunsResponseSchema,
  type WatchRunsRequest,
  type WatchRunsResponseSchema,
} from "@cloaca/protocol";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { CloacaError } from "../core/errors.js";
import type { RunStatus as DomainStatus, Problem } from "../core/model.js";
import { checkContext, contextBytes } from "../core/patch.js";
import { isRunOver } from "../core/run-machine.js";
import { noResult } from "../engine/inbox.js";
import { isLastEvent } from "../engine/run-feed.js";
import type { Scheduler } from "../engine/scheduler.js";
import { runNotFound, type StartResult } from "../engine/turn.js";
import { watch } from "../engine/watch.js";
import { parsePageToken } from "../store/page-token.js";
import type { RunView, StartedRun, StartRun } from "../store/store.js";
import { decodeCursor, encodeCursor } from "./cursor.js";
import { namespaceOf } from "./from-wire.js";
import { pageSize } from "./paging.js";
import { eventToWire, runToWire, runViewToWire, taskRunToWire } from "./runs-to-wire.js";

const MAX_STARTS = 1_000;
const MAX_WAIT_MS = 60_000;

export class RunServiceRpc {
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

  async getRun(request: GetRunRequest) {
    const namespace = namespaceOf(request.namespace);
    if (request.waitMs > MAX_WAIT_MS) {
      throw new CloacaError("REQUEST_INVALID", `wait_ms is ${request.waitMs}; allowed are 0 to ${MAX_WAIT_MS}`);
    }
    // Before the first look: an end in between must not be missed.
    const end = this.#end(request);
    try {
      let view = await this.#readRun(namespace, request.runId);
      if (request.waitMs > 0 && !isRunOver(view.run.status)) {
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
    const to = from + pageSize(request.pageSize, 1_000);
    return create(ListTaskRunsResponseSchema, {
      taskRuns: view.tasks.slice(from, to).map((task) => taskRunToWire(task, view.graph)),
      nextPageToken: to < view.tasks.length ? String(to) : "",
    });
  }

  async cancelRun({ namespace, runId, reason }: CancelRunRequest) {
    const status = await this.scheduler.cancelRun({ namespace: namespaceOf(namespace), runId, reason });
    return create(CancelRunResponseSchema, { status: RunStatus[status] });
  }

  async watchRuns(
    call: ServerWritableStream<WatchRunsRequest, MessageInitShape<typeof WatchRunsResponseSchema>>,
  ): Promise<void> {
    const { namespace: named, runId, workflow, types, cursor } = call.request;
    const namespace = namespaceOf(named);
    const { position } = this.scheduler.store.stats();
    // Read before the log is: a run that ends after this is followed to its last event.
    const wasOver = runId !== "" && isRunOver((await this.#readRun(namespace, runId)).run.status);
    const begin = cursor === "" ? (runId === "" ? position : 0) : decodeCursor(cursor, position);
    const aborter = new AbortController();
    call.on("cancelled", () => aborter.abort());
    call.on("close", () => aborter.abort());
    const query = { namespace, runId: runId === "" ? null : runId, after: begin };
    const wanted = new Set(types);
    for await (const { chunks, position: at, more } of watch(this.scheduler, query, aborter.signal)) {
      const events = [];
      let over = false;
      for (const chunk of chunks) {
        if (workflow !== "" && chunk.workflow !== workflow) continue;
        for (const event of chunk.events) {
          if (wanted.size === 0 || wanted.has(RunEventType[event.type])) events.push(eventToWire(event, chunk));
          over ||= runId !== "" && isLastEvent(event.type);
        }
      }
      await write(call, { events, cursor: encodeCursor(at) }, aborter.signal);
      // A watch that begins after the last event of a run has nothing to wait for.
      if (over || (wasOver && !more)) break;
    }
    call.end();
  }

  #toStart(namespace: string, spec: RunSpec | undefined, path: string): StartRun {
    if (spec === undefined || spec.workflow === "") {
      throw CloacaError.fromProblems("REQUEST_INVALID", "start", [
        { field: `${path}.workflow`, description: "is empty; name the workflow to run" },
      ]);
    }
    const { workflow, version, context, priority, labels, traceparent, requestId } = spec;
    const problems: Problem[] = checkContext(context, `${path}.context`);
    if (problems.length > 0) throw CloacaError.fromProblems("CONTEXT_VALUE_INVALID", "start", problems);
    const bytes = contextBytes(context);
    const { maxContextBytes } = this.scheduler.options.limits;
    if (bytes > maxContextBytes) {
      const message = `${path}.context has ${bytes} bytes, the limit is ${maxContextBytes}`;
      throw new CloacaError("CONTEXT_TOO_LARGE", message);
    }
    return { namespace: namespaceOf(namespace), workflow, version, context, priority, labels, traceparent, requestId };
  }

  async #readRun(namespace: string, runId: string): Promise<RunView> {
    const view = await this.scheduler.store.readRun(namespace, runId);
    if (view === null) throw runNotFound({ namespace, runId });
    return view;
  }

  /** Resolves when the run ends from now on, or `wait_ms` is over. */
  #end({ runId, waitMs }: GetRunRequest): { promise: Promise<void>; cancel: () => void } {
    const { feed, options } = this.scheduler;
    let cancel = (): void => {};
    const promise = new Promise<void>((resolve) => {
      const leave = feed.onEnd(runId, resolve);
      const stopTimer = options.runtime.after(waitMs, resolve);
      cancel = () => {
        leave();
        stopTimer();
        resolve();
      };
    });
    return { promise, cancel };
  }
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

function write<T>(call: ServerWritableStream<unknown, T>, message: T, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    // grpc-js says nothing more about messages of a call that was cancelled.
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
    else call.write(message, done);
  });
}
