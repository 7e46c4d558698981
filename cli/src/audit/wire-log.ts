/** The log of a running scheduler, as its audit reads it. */

import { type Client, RemoteError, type RunEventInfo, type WorkflowTaskInfo } from "@cloaca/sdk/client";
import type { AuditChunk, AuditGraph, AuditSource, RunEvent, RunEventType } from "@cloaca/server/audit";

/** A graph, and the tasks by their names: events name them, an audit counts them. */
interface KnownGraph {
  readonly audit: AuditGraph;
  readonly indexes: ReadonlyMap<string, number>;
}

interface WireChunk extends AuditChunk {
  /** Number of the first event. */
  readonly seq: number;
}

/** Reads the log of a namespace from its first event to the one that is last when the audit begins. */
export class WireLog implements AuditSource {
  readonly books = null;
  /** Of runs that go on; null for those that are gone. */
  readonly #graphs = new Map<string, KnownGraph | null>();
  readonly #versions = new Map<string, Promise<KnownGraph>>();

  constructor(
    readonly client: Client,
    readonly namespace: string,
  ) {}

  async *pages(): AsyncGenerator<WireChunk[]> {
    for await (const { events } of this.client.watch({ fromStart: true, untilEnd: true })) {
      yield await this.#chunks(events);
    }
  }

  async *history({ runId, events: [first] }: AuditChunk): AsyncGenerator<WireChunk[]> {
    try {
      for await (const { events } of this.client.watch({ runId, untilEnd: true })) {
        const before = events.filter(({ eventSeq }) => first !== undefined && eventSeq < first.seq);
        yield await this.#chunks(before);
        if (before.length < events.length) return;
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  settled(runId: string): void {
    this.#graphs.delete(runId);
  }

  async isGone(runId: string): Promise<boolean> {
    return (await this.#versionOf(runId)) === null;
  }

  async #chunks(events: readonly RunEventInfo[]): Promise<WireChunk[]> {
    const chunks: WireChunk[] = [];
    for (let at = 0; at < events.length; ) {
      const first = events[at];
      if (first === undefined) break;
      let end = at + 1;
      while (events[end]?.runId === first.runId) end++;
      const graph = await this.#graphOf(first);
      const { namespace } = this;
      const { runId, eventSeq: seq } = first;
      // What is purged while it is read is read no further.
      if (graph !== null) {
        const told = events.slice(at, end).map((event) => eventOf(event, graph));
        chunks.push({ namespace, runId, graph: graph.audit, events: told, seq });
      }
      at = end;
    }
    return chunks;
  }

  async #graphOf({ runId, workflow, workflowVersion }: RunEventInfo): Promise<KnownGraph | null> {
    const known = this.#graphs.get(runId);
    if (known !== undefined) return known;
    // Its first event says it.
    const version = workflowVersion === "" ? await this.#versionOf(runId) : workflowVersion;
    const graph = version === null ? null : await this.#graph(workflow, version);
    this.#graphs.set(runId, graph);
    return graph;
  }

  async #versionOf(runId: string): Promise<string | null> {
    try {
      return (await this.client.get(runId)).workflowVersion;
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  #graph(workflow: string, version: string): Promise<KnownGraph> {
    const key = `${workflow}\n${version}`;
    const graph = this.#versions.get(key) ?? this.client.workflowTasks(workflow, version).then(graphOf);
    this.#versions.set(key, graph);
    return graph;
  }
}

/** The run was purged while it was read. */
function isNotFound(error: unknown): boolean {
  return error instanceof RemoteError && error.code === "RUN_NOT_FOUND";
}

function graphOf(tasks: readonly WorkflowTaskInfo[]): KnownGraph {
  const indexes = new Map(tasks.map(({ id }, index) => [id, index]));
  const handlers: number[][] = tasks.map(() => []);
  tasks.forEach(({ handles }, index) => {
    for (const failed of handles) handlers[indexes.get(failed) ?? -1]?.push(index);
  });
  const audit = tasks.map(({ id, dependencies, retryAttempts, hasRule }, index) => ({
    id,
    dependencies: dependencies.map((dependency) => indexes.get(dependency) ?? -1),
    retryAttempts,
    hasRule,
    handlers: handlers[index] ?? [],
  }));
  return { audit: { tasks: audit }, indexes };
}

/** What the wire has empty is left out in the log. */
function eventOf(event: RunEventInfo, { indexes }: KnownGraph): RunEvent {
  return {
    seq: event.eventSeq,
    at: event.at.getTime(),
    // A type that this command does not know is told as one that cannot be.
    type: event.type as RunEventType,
    task: event.task === "" ? undefined : (indexes.get(event.task) ?? -1),
    leaseId: event.leaseId || undefined,
    sessionId: event.sessionId || undefined,
    hostId: event.hostId || undefined,
    attempt: event.attempt || undefined,
    recovery: event.recovery || undefined,
    slotDelta: event.slotDelta || undefined,
    slots: event.slots || undefined,
    deferral: event.deferral || undefined,
    failure: event.failure ?? undefined,
    retryAt: event.retryAt?.getTime(),
  };
}
