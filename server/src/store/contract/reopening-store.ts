/**
 * A store that is closed and opened again after every operation. Whatever a durable store keeps only in memory is lost
 * here at once, and each time it is compared with what the place on disk says.
 */
import { expect } from "vitest";
import type { RunEvent, TaskRun } from "../../core/model.js";
import { isTerminal } from "../../core/task-run.js";
import { type EventBatch, KEEP_ALL, type Store } from "../store.js";

const ALL = 100_000;

/**
 * Everything that a store says, without what may begin anew with a process: liveness, and since when a slot is held and how
 * long it was before.
 */
export async function dump(store: Store, namespaces: readonly string[] = ["default", "other"]): Promise<unknown> {
  const said = [];
  for (const namespace of namespaces) {
    const runs = await store.listRuns({ namespace, workflow: "", statuses: [], pageSize: ALL, pageToken: "" });
    const views = await Promise.all(runs.items.map((run) => store.readRun(namespace, run.id)));
    const events: RunEvent[] = [];
    const { chunks, position } = await store.events({ namespace, runId: null, after: 0, limit: ALL });
    for (const chunk of chunks) events.push(...chunk.events);
    const workflows = await store.listWorkflows(namespace, ALL, "");
    said.push({
      listed: runs.items,
      runs: views.map((view) => ({ run: view?.run, version: view?.graph.version, tasks: view?.tasks.map(comparable) })),
      events,
      position,
      workflows: workflows.items.map(({ graph, registeredAt, current, promoted, paused }) => ({
        name: graph.definition.name,
        version: graph.version,
        registeredAt,
        current,
        promoted,
        paused,
      })),
      sessions: store
        .listSessions(namespace)
        .map(({ session, held, leases }) => ({ session, held, leases: [...leases].sort(byLeaseId) }))
        .sort((a, b) => (a.session.id < b.session.id ? -1 : 1)),
    });
  }
  // As text and back: what is left out and what is undefined are the same.
  return JSON.parse(JSON.stringify({ said, stats: store.stats(), breaches: await store.check() }));
}

function comparable(task: TaskRun): unknown {
  const { remaining, lease, slotHeldMs, ...rest } = task;
  const holdsSlot = lease !== null && lease.slotSince !== null;
  return {
    ...rest,
    ...(isTerminal(task.state) ? null : { remaining }),
    // P9: a restart adds up what was held before it.
    ...(holdsSlot ? null : { slotHeldMs }),
    lease: lease === null ? null : { ...lease, slotSince: holdsSlot },
  };
}

function byLeaseId(a: { leaseId: string }, b: { leaseId: string }): number {
  return a.leaseId < b.leaseId ? -1 : 1;
}

export async function reopening(open: () => Promise<Store>): Promise<Store> {
  let store = await open();
  let pending = 0;
  const listeners = new Set<(batch: EventBatch) => void>();
  const relay = (batch: EventBatch): void => {
    for (const listener of listeners) listener(batch);
  };
  store.subscribe(relay);

  async function reopen(): Promise<void> {
    const before = await dump(store);
    await store.close();
    store = await open();
    store.subscribe(relay);
    expect(await dump(store), "after opening again").toEqual(before);
  }

  /**
   * Operations that are called together share a commit: the store is opened again after the last of them. Where nothing
   * was done there is nothing to make durable.
   */
  async function then<T>(operation: Promise<T>, didNothing: (result: T) => boolean = () => false): Promise<T> {
    pending++;
    let changed = true;
    try {
      const result = await operation;
      changed = !didNothing(result);
      return result;
    } finally {
      if (--pending === 0 && changed) await reopen();
    }
  }

  return {
    openSessions: (items) => then(store.openSessions(items)),
    updateSessions: (items) => then(store.updateSessions(items)),
    touchSessions: (heard) => store.touchSessions(heard),
    touchAllSessions: () => store.touchAllSessions(),
    expireSessions: (limit) => then(store.expireSessions(limit), (ids) => ids.length === 0),
    endSessions: (ids, reason) => then(store.endSessions(ids, reason)),
    session: (id) => store.session(id),
    listSessions: (namespace) => store.listSessions(namespace),
    registerWorkflows: (items) => then(store.registerWorkflows(items)),
    updateWorkflows: (items) => then(store.updateWorkflows(items)),
    startRuns: (items) => then(store.startRuns(items)),
    transact: (commands, decide) => then(store.transact(commands, decide)),
    grant: (request) => then(store.grant(request)),
    fireDue: (limit) => then(store.fireDue(limit), (effects) => effects.length === 0),
    nextDue: () => store.nextDue(),
    pendingFor: (id, listed) => then(store.pendingFor(id, listed)),
    purge: (retention, limit) => {
      const hadRows = store.nextPurge(KEEP_ALL) !== null;
      return then(store.purge(retention, limit), (runs) => runs === 0 && !hadRows);
    },
    nextPurge: (retention) => store.nextPurge(retention),
    readRun: (namespace, id) => store.readRun(namespace, id),
    listRuns: (query) => store.listRuns(query),
    readWorkflow: (namespace, name, version) => store.readWorkflow(namespace, name, version),
    listWorkflows: (namespace, size, token) => store.listWorkflows(namespace, size, token),
    events: (query) => store.events(query),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    check: () => store.check(),
    stats: () => store.stats(),
    get lost() {
      return store.lost;
    },
    close: () => store.close(),
  };
}
