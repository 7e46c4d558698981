/**
 * A store whose live state is in memory: runs that have not ended, sessions, and the indexes that granting needs. A
 * journal makes it durable and answers from history; with the memory journal this is the memory store, with the SQLite
 * journal the embedded one.
 */
import { CloacaError } from "../../core/errors.js";
import type { LeaseGrant } from "../../core/grants.js";
import { type BooksOfSession, breaches } from "../../core/invariants.js";
import type { Run } from "../../core/model.js";
import type { HostEffect, RunDraft } from "../../core/run-draft.js";
import { isRunOver, startRun } from "../../core/run-machine.js";
import type { SessionRecord } from "../../core/session.js";
import type * as S from "../store.js";
import { Books } from "./books.js";
import { enterRuns } from "./entering.js";
import { fireDue } from "./firing.js";
import { grant } from "./granting.js";
import { GroupCommit } from "./group-commit.js";
import type { Journal } from "./journal.js";
import { listRuns } from "./listing.js";
import { LiveRun } from "./live-run.js";
import { Purging } from "./purging.js";
import { newRun, purgedStart, requestKey, sameStart } from "./run-start.js";
import { SessionBooks } from "./session-books.js";
import { WorkflowBook } from "./workflow-book.js";

export class LiveStore implements S.Store {
  readonly #books = new Books();
  readonly #sessions: SessionBooks;
  readonly #workflows: WorkflowBook;
  readonly #commit: GroupCommit;
  readonly #purging: Purging;
  readonly #listeners = new Set<(batch: S.EventBatch) => void>();
  /** Runs of this turn by request id, before the journal knows them. */
  readonly #requests = new Map<string, LiveRun>();
  #position: number;
  #runNumber: number;
  readonly lost: Promise<CloacaError>;

  constructor(
    readonly journal: Journal,
    readonly options: S.StoreOptions,
  ) {
    this.#sessions = new SessionBooks(this.#books, options, (runId) => this.#draft(runId));
    this.#commit = new GroupCommit({
      commit: () => this.#write(),
      sync: () => journal.sync(),
      rollBack: () => this.#rollBack(),
    });
    this.lost = this.#commit.lost;
    this.#workflows = new WorkflowBook((namespace, workflow, paused) => {
      this.#books.workflowPaused(namespace, workflow, paused);
    });
    const snapshot = journal.load();
    const now = options.clock.now();
    this.#position = snapshot.position;
    this.#runNumber = snapshot.runNumber;
    this.#purging = new Purging(journal, snapshot);
    this.#workflows.load(snapshot.workflows, snapshot.workflowSettings);
    for (const record of snapshot.sessions) this.#sessions.enter(record, now);
    enterRuns(this.#books, snapshot.runs);
  }

  openSessions(items: readonly S.OpenSession[]): Promise<(S.OpenedSession | CloacaError)[]> {
    return this.#commit.stage(() => items.map((item) => this.#sessions.open(item, this.#now())));
  }

  updateSessions(items: readonly S.UpdateSession[]): Promise<void> {
    return this.#commit.stage(() => {
      for (const item of items) this.#sessions.update(item);
    });
  }

  touchSessions(heard: Iterable<readonly [sessionId: string, agoMs: number]>): void {
    const now = this.#now();
    for (const [id, agoMs] of heard) this.#sessions.touch(id, now - agoMs);
  }

  touchAllSessions(): void {
    const now = this.#now();
    for (const id of this.#books.sessions.keys()) this.#sessions.touch(id, now);
  }

  expireSessions(limit: number): Promise<string[]> {
    return this.#commit.stage(() => this.#sessions.expire(limit, this.#now()));
  }

  endSessions(sessionIds: readonly string[], reason: string): Promise<void> {
    return this.#commit.stage(() => {
      for (const id of sessionIds) {
        const session = this.#books.sessions.get(id);
        if (session !== undefined) this.#sessions.end(session, reason, this.#now());
      }
    });
  }

  session(sessionId: string): SessionRecord | null {
    return this.#books.sessions.get(sessionId)?.record ?? null;
  }

  listSessions(namespace: string): S.SessionView[] {
    const views: S.SessionView[] = [];
    for (const session of this.#books.sessions.values()) {
      if (session.record.spec.namespace === namespace) views.push(this.#sessions.view(session));
    }
    return views;
  }

  registerWorkflows(items: readonly S.RegisterWorkflow[]): Promise<S.RegisteredWorkflow[]> {
    return this.#commit.stage(() => items.map((item) => this.#workflows.register(item, this.#now())));
  }

  updateWorkflows(items: readonly S.UpdateWorkflow[]): Promise<(S.WorkflowRecord | CloacaError)[]> {
    return this.#commit.stage(() => items.map((item) => this.#workflows.update(item)));
  }

  startRuns(items: readonly S.StartRun[]): Promise<(S.StartedRun | CloacaError)[]> {
    return this.#commit.stage(() => items.map((item) => this.#start(item)));
  }

  transact<C extends S.RunCommand, R>(
    commands: readonly C[],
    decide: (draft: RunDraft | null, command: C, now: number) => R,
  ): Promise<R[]> {
    return this.#commit.stage(() => {
      const now = this.#now();
      return commands.map((command) =>
        decide(command.runId === null ? null : this.#draft(command.runId), command, now),
      );
    });
  }

  grant(request: S.GrantRequest): Promise<S.Grants> {
    return this.#commit.stage(() => grant(this.#books, request, this.options.limits, this.#now()));
  }

  fireDue(limit: number): Promise<HostEffect[]> {
    return this.#commit.stage(() => fireDue(this.#books, limit, this.options.limits, this.#now()));
  }

  nextDue(): number | null {
    const deadline = this.#books.deadlines.next()?.at ?? null;
    const expiry = this.#sessions.nextExpiry();
    if (deadline === null || expiry === null) return deadline ?? expiry;
    return Math.min(deadline, expiry);
  }

  pendingFor(sessionId: string, listed: ReadonlySet<string>): Promise<LeaseGrant[]> {
    return this.#commit.stage(() => this.#sessions.pendingFor(sessionId, listed, this.#now()));
  }

  purge(retention: S.Retention, limit: number): Promise<number> {
    return this.#commit.stage(() => {
      let takenUp = 0;
      for (const run of this.#books.dirtyRuns) if (run.hadFinished && !isFinished(run)) takenUp++;
      return this.#purging.step(retention, limit, this.#now(), (runId) => this.#books.runs.has(runId), takenUp);
    });
  }

  nextPurge(retention: S.Retention): number | null {
    return this.#purging.due(retention, this.#now());
  }

  async readRun(namespace: string, runId: string): Promise<S.RunView | null> {
    return this.#commit.read(() => {
      const run = this.#draft(runId);
      if (run?.run().namespace !== namespace) return null;
      return { run: run.run(), graph: run.graph, tasks: run.tasks() };
    });
  }

  async listRuns(query: S.RunQuery): Promise<S.Page<Run>> {
    return this.#commit.read(() => {
      return listRuns(this.journal, this.#books.runs, query);
    });
  }

  async readWorkflow(namespace: string, name: string, version: string): Promise<S.WorkflowRecord | null> {
    return this.#commit.read(() => this.#workflows.find(namespace, name, version));
  }

  async listWorkflows(namespace: string, pageSize: number, pageToken: string): Promise<S.Page<S.WorkflowRecord>> {
    return this.#commit.read(() => this.#workflows.list(namespace, pageSize, pageToken));
  }

  async events(query: S.EventQuery): Promise<S.EventPage> {
    return this.#commit.read(() => this.journal.events(query));
  }

  subscribe(listener: (batch: S.EventBatch) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async check(): Promise<string[]> {
    const runs = [...this.#books.runs.values()].map((run) => ({ run: run.run(), tasks: run.tasks() }));
    const sessions = new Map<string, BooksOfSession>();
    for (const { id, held, leases, endings } of this.#books.sessions.values()) {
      sessions.set(id, { id, held, leaseIds: new Set([...leases.keys(), ...endings.keys()]) });
    }
    return [...breaches(runs, sessions), ...this.#books.breaches(this.#books.runs.values())];
  }

  stats(): S.StoreStats {
    return {
      liveRuns: this.#books.runs.size,
      sessions: this.#books.sessions.size,
      waiting: this.#books.dispatch.readyCount + this.#books.reclaiming.size,
      position: this.#position,
      finishedRuns: this.#purging.finishedRuns,
      purgedRuns: this.#purging.purgedRuns,
    };
  }

  async close(): Promise<void> {
    try {
      await this.#commit.read(() => {});
    } finally {
      this.journal.close();
    }
  }

  #now(): number {
    return this.options.clock.now();
  }

  /** The live run, or one that has ended, from history: enough to tell a repeated outcome from a stale one. */
  #draft(runId: string): LiveRun | null {
    const live = this.#books.runs.get(runId);
    if (live !== undefined) return live;
    const stored = this.#purging.has(runId) ? null : this.journal.findRun(runId);
    if (stored === null) return null;
    const run = new LiveRun(stored.number, stored.graph, stored.run, stored.tasks, this.#books);
    run.hadFinished = true;
    return run;
  }

  #start(item: S.StartRun): S.StartedRun | CloacaError {
    if (item.requestId !== "") {
      const known =
        this.#requests.get(requestKey(item))?.run() ?? this.journal.findRequest(item.namespace, item.requestId);
      const purged =
        known === null ? this.journal.findPurgedRequest(item.namespace, item.requestId) : this.#purgedNow(known);
      if (purged !== null) return purgedStart(purged, item);
      if (known !== null) return sameStart(known, item);
    }
    const found = this.#workflows.resolve(item);
    if (found instanceof CloacaError) return found;
    const now = this.#now();
    const id = this.options.ids.runId(now);
    const live = new LiveRun(++this.#runNumber, found, newRun(id, item, found, now), [], this.#books);
    live.isNew = true;
    this.#books.runs.set(id, live);
    this.#books.runChanged(live);
    if (item.requestId !== "") this.#requests.set(requestKey(item), live);
    startRun(live, this.options.limits, now);
    return { runId: id, version: found.version, existing: false };
  }

  #purgedNow({ id }: Run): string | null {
    return this.#purging.has(id) ? id : null;
  }

  /** Commits the turn; returns what is told of it once it is on disk. */
  #write(): () => void {
    const runs = [...this.#books.dirtyRuns];
    const from = this.#position;
    const chunks: S.EventChunk[] = [];
    for (const run of runs) {
      if (run.events.length === 0) continue;
      const { id: runId, namespace, workflow } = run.run();
      const { graph, events } = run;
      const position = from + chunks.length + 1;
      run.position = position;
      chunks.push({ position, namespace, runId, workflow, graph, events });
    }
    const sessions = [...this.#sessions.dirty];
    const workflows = this.#workflows.dirty;
    const workflowSettings = this.#workflows.dirtySettings();
    const purge = this.#purging.writes(from + chunks.length, this.#runNumber, this.#now());
    if (runs.length + sessions.length + workflows.length + workflowSettings.length > 0 || purge !== null) {
      this.journal.commit({
        workflows,
        workflowSettings,
        sessions: sessions.filter((s) => !s.ended).map((s) => s.record),
        // A session that the same turn opened and ended was never written.
        endedSessions: sessions.filter((s) => s.ended && s.before !== null).map((s) => s.id),
        runs,
        chunks,
        purge,
      });
    }
    const to = from + chunks.length;
    this.#position = to;
    this.#purging.settle();
    for (const run of runs) {
      const { hadFinished } = run;
      run.settle();
      if (isFinished(run)) {
        const { id, finishedAt } = run.run();
        this.#books.runs.delete(id);
        if (!hadFinished) this.#purging.runFinished(finishedAt ?? 0);
      } else if (hadFinished) this.#purging.runTakenUp();
    }
    this.#books.dirtyRuns.clear();
    this.#books.endStreaks(true);
    this.#sessions.settle();
    this.#workflows.settle();
    this.#requests.clear();
    return () => {
      if (chunks.length > 0) for (const listener of this.#listeners) listener({ from, to, chunks });
    };
  }

  #rollBack(): void {
    this.#sessions.restore();
    // Before the runs: each puts its ready task runs back to their places only while its workflow is not paused.
    this.#workflows.rollBack();
    for (const run of this.#books.dirtyRuns) {
      const { isNew } = run;
      run.rollBack();
      // Nor does a run live on that had ended, and was to be taken up again.
      if (isNew || isFinished(run)) this.#books.runs.delete(run.run().id);
    }
    this.#books.dirtyRuns.clear();
    this.#books.endStreaks(false);
    this.#sessions.forget();
    this.#purging.rollBack();
    this.#requests.clear();
  }
}

/** It has ended, and no fenced lease of it is left. */
function isFinished(run: LiveRun): boolean {
  return isRunOver(run.run().status) && run.endings === 0;
}
