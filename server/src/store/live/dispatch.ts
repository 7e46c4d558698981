/**
 * Who may execute what. Sessions that implement the same tasks form a *group* and share one queue, so that a thousand
 * hosts of one deploy cost as much as one. A ready task run stands in the queue of each group that may take it.
 */
import type { Graph } from "../../core/model.js";
import type { Implementation } from "../../core/session.js";
import { Heap, type HeapNode } from "./heap.js";
import type { LiveRun } from "./live-run.js";
import type { LiveSession } from "./live-session.js";

/** A task run that is READY. */
export interface ReadyEntry {
  readonly run: LiveRun;
  readonly task: number;
  readonly priority: number;
  /** Order of arrival. */
  readonly order: number;
  readonly nodes: QueueNode[];
}

interface QueueNode extends HeapNode {
  readonly entry: ReadyEntry;
  readonly group: Group;
}

export class Group {
  readonly sessions = new Set<LiveSession>();
  readonly queue = new Heap<QueueNode>(
    (a, b) =>
      a.entry.priority > b.entry.priority || (a.entry.priority === b.entry.priority && a.entry.order < b.entry.order),
  );
  /** Sessions with a free slot for new work, in turn. */
  readonly open = new Set<LiveSession>();

  constructor(
    readonly key: string,
    readonly namespace: string,
    readonly implementations: readonly Implementation[],
  ) {}

  /** P12 and P13: whether anybody in it may get new leases, now or when a slot is free; those who drain never will. */
  get takesWork(): boolean {
    for (const { record } of this.sessions) if (!record.draining) return true;
    return false;
  }

  /** How the group serves a task: by its very version, by any, or not at all (P13). */
  serves(graph: Graph, taskId: string): "exact" | "any" | null {
    let any = false;
    for (const { workflow, version, tasks } of this.implementations) {
      if (workflow !== graph.definition.name) continue;
      if (version !== null && version !== graph.version) continue;
      if (tasks !== null && !this.#sets(tasks).has(taskId)) continue;
      if (version !== null) return "exact";
      any = true;
    }
    return any ? "any" : null;
  }

  readonly #taskSets = new Map<readonly string[], ReadonlySet<string>>();

  #sets(tasks: readonly string[]): ReadonlySet<string> {
    let set = this.#taskSets.get(tasks);
    if (set === undefined) {
      set = new Set(tasks);
      this.#taskSets.set(tasks, set);
    }
    return set;
  }
}

export class Dispatch {
  readonly #groups = new Map<string, Group>();
  readonly #ready = new Set<ReadyEntry>();
  /** Groups that serve a task, by namespace, then graph, then task; forgotten when a group comes or goes. */
  #routes = new Map<string, Map<Graph, (readonly Group[] | undefined)[]>>();
  #stale = false;
  #order = 0;

  get readyCount(): number {
    return this.#ready.size;
  }

  /** Groups that have both work and somebody with a free slot. */
  *claimable(): Iterable<Group> {
    this.refresh();
    for (const group of this.#groups.values()) {
      if (group.queue.size > 0 && group.open.size > 0) yield group;
    }
  }

  /** `order` gives a task run its place back. */
  add(run: LiveRun, task: number, order = this.#order++): ReadyEntry {
    const entry: ReadyEntry = { run, task, priority: run.run().priority, order, nodes: [] };
    this.#ready.add(entry);
    if (!this.#stale) this.#enqueue(entry);
    return entry;
  }

  remove(entry: ReadyEntry): void {
    this.#ready.delete(entry);
    for (const node of entry.nodes) node.group.queue.remove(node);
    entry.nodes.length = 0;
  }

  join(session: LiveSession): void {
    const { namespace, implementations } = session.record.spec;
    const key = groupKey(namespace, implementations);
    if (session.group?.key === key) return;
    this.leave(session);
    const group = this.#groups.get(key) ?? new Group(key, namespace, implementations);
    this.#groups.set(key, group);
    if (!group.takesWork) this.#stale = true;
    group.sessions.add(session);
    session.group = group;
  }

  leave(session: LiveSession): void {
    const { group } = session;
    if (group === null) return;
    group.sessions.delete(session);
    group.open.delete(session);
    session.group = null;
    if (group.sessions.size === 0) this.#groups.delete(group.key);
    // P13: what this group served exactly may now go to any-version hosts.
    if (!group.takesWork) this.#stale = true;
  }

  /** The session begins to drain, or a failed commit has taken that back. */
  drainChanged(): void {
    this.#stale = true;
  }

  /** Puts ready task runs into the queues of those who live now. */
  refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#routes = new Map();
    for (const entry of this.#ready) {
      for (const node of entry.nodes) node.group.queue.remove(node);
      entry.nodes.length = 0;
      this.#enqueue(entry);
    }
  }

  #enqueue(entry: ReadyEntry): void {
    const { run, task } = entry;
    for (const group of this.#route(run.run().namespace, run.graph, task)) {
      const node: QueueNode = { entry, group, place: -1 };
      entry.nodes.push(node);
      group.queue.push(node);
    }
  }

  #route(namespace: string, graph: Graph, task: number): readonly Group[] {
    let graphs = this.#routes.get(namespace);
    if (graphs === undefined) {
      graphs = new Map();
      this.#routes.set(namespace, graphs);
    }
    let routes = graphs.get(graph);
    if (routes === undefined) {
      routes = new Array<readonly Group[] | undefined>(graph.tasks.length);
      graphs.set(graph, routes);
    }
    const known = routes[task];
    if (known !== undefined) return known;
    const taskId = graph.tasks[task]?.id ?? "";
    const exact: Group[] = [];
    const any: Group[] = [];
    for (const group of this.#groups.values()) {
      if (group.namespace !== namespace || !group.takesWork) continue;
      const how = group.serves(graph, taskId);
      if (how === "exact") exact.push(group);
      else if (how === "any") any.push(group);
    }
    // P13: an exact match first, if any live session has one, even a busy one. One that drains has none any more.
    const route = exact.length > 0 ? exact : any;
    routes[task] = route;
    return route;
  }
}

function groupKey(namespace: string, implementations: readonly Implementation[]): string {
  const parts = implementations.map((i) =>
    JSON.stringify([i.workflow, i.version, i.tasks === null ? null : [...i.tasks].sort()]),
  );
  return JSON.stringify([namespace, ...parts.sort()]);
}
