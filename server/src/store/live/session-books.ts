/** Opening, resuming, losing and expiring sessions over the live books (P1, P5, P6). */
import { CloacaError } from "../../core/errors.js";
import { failureVerdict } from "../../core/failure-verdict.js";
import { type LeaseGrant, leaseGrant } from "../../core/grants.js";
import { parseLeaseId } from "../../core/lease-id.js";
import type { EndingLease, TaskRun } from "../../core/model.js";
import { quote } from "../../core/quote.js";
import { cancelDetail, endFencedLease, loseLease, loseSession } from "../../core/run-machine.js";
import type { SessionRecord } from "../../core/session.js";
import type {
  LeaseVerdict,
  ListedLease,
  OpenedSession,
  OpenSession,
  SessionView,
  StoreOptions,
  UpdateSession,
} from "../store.js";
import type { Books } from "./books.js";
import type { LiveRun } from "./live-run.js";
import { LiveSession } from "./live-session.js";

export class SessionBooks {
  /** Sessions that the turn changed. */
  readonly dirty = new Set<LiveSession>();
  /** Sessions by instance and by host, so that a connection finds what it goes on with. */
  readonly #byHost = new Map<string, LiveSession>();
  /** No session can expire before. */
  #nextExpiry: number | null = null;

  constructor(
    readonly books: Books,
    readonly options: StoreOptions,
    readonly findRun: (runId: string) => LiveRun | null,
  ) {}

  /** Enters a session that was read from the journal; it has a full TTL from now (P5). */
  enter(record: SessionRecord, now: number): void {
    const session = new LiveSession(record, now);
    this.#put(session);
  }

  open(item: OpenSession, now: number): OpenedSession | CloacaError {
    const known = this.#byHost.get(hostKey(item.spec));
    if (known?.record.spec.instanceId === item.spec.instanceId) return this.#resume(known, item, now);
    let ended: string | null = null;
    if (known !== undefined) {
      const silent = now - known.lastHeard;
      if (silent < item.takeoverAfterTtl * known.record.spec.ttlMs) return hostIdInUse(known, silent);
      this.end(known, "another instance took over the host_id", now);
      ended = known.id;
    }
    const { ids } = this.options;
    const record: SessionRecord = {
      id: ids.sessionId(),
      resumeToken: ids.secret(),
      generation: 1,
      spec: item.spec,
      draining: false,
      drainRequest: null,
      createdAt: now,
    };
    const session = new LiveSession(record, now);
    session.before = null;
    this.dirty.add(session);
    this.#put(session);
    return { session: record, resumed: false, verdicts: this.#verdicts(session, item.held, now), ended };
  }

  update(item: UpdateSession): void {
    const session = this.books.sessions.get(item.sessionId);
    if (session === undefined) return;
    const { record } = session;
    const spec = {
      ...record.spec,
      slots: item.slots ?? record.spec.slots,
      implementations: item.implementations ?? record.spec.implementations,
    };
    const drainRequest = item.drainRequest ?? record.drainRequest;
    const draining = record.draining || drainRequest !== null || item.draining === true;
    this.#change(session, { ...record, spec, draining, drainRequest });
  }

  touch(sessionId: string, heardAt: number): void {
    const session = this.books.sessions.get(sessionId);
    if (session !== undefined) session.lastHeard = Math.max(session.lastHeard, heardAt);
  }

  /** Ends a session and recovers what it held. Final: the session never comes back (P5). */
  end(session: LiveSession, reason: string, now: number): void {
    // First of all: whatever fails below, the roll-back knows that the session is to be restored.
    if (session.before === undefined) session.before = session.record;
    this.dirty.add(session);
    const runs = new Set<LiveRun>();
    for (const { run } of session.leases.values()) runs.add(run);
    for (const { run } of session.endings.values()) runs.add(run);
    // First out of the groups: nothing that it held may come back to it.
    this.books.dispatch.leave(session);
    for (const run of runs) loseSession(run, session.id, reason, this.options.limits, now);
    session.ended = true;
    this.books.sessions.delete(session.id);
    this.books.reclaiming.delete(session);
    this.#forgetHost(session);
  }

  expire(limit: number, now: number): string[] {
    if (this.#nextExpiry !== null && now < this.#nextExpiry) return [];
    const expired: string[] = [];
    let next: number | null = null;
    for (const session of [...this.books.sessions.values()]) {
      const at = session.lastHeard + session.record.spec.ttlMs;
      if (at <= now && expired.length < limit) {
        expired.push(session.id);
        this.end(session, "its session expired", now);
      } else {
        next = next === null ? at : Math.min(next, at);
      }
    }
    this.#nextExpiry = next;
    return expired;
  }

  nextExpiry(): number | null {
    return this.books.sessions.size === 0 ? null : this.#nextExpiry;
  }

  /** P6: what the host did not list is sent again where it was only sent, and settled where the host has forgotten it. */
  pendingFor(sessionId: string, listed: ReadonlySet<string>, now: number): LeaseGrant[] {
    const session = this.books.sessions.get(sessionId);
    if (session === undefined) return [];
    const again: LeaseGrant[] = [];
    for (const [leaseId, home] of [...session.leases]) {
      if (listed.has(leaseId)) continue;
      const task = home.run.task(home.task);
      if (task.state === "LEASED" && task.lease?.deferral === null) again.push(leaseGrant(home.run, task, now));
      else loseLease(home.run, home.task, "its host has forgotten it", this.options.limits, now);
    }
    for (const [leaseId, home] of [...session.endings]) {
      if (!listed.has(leaseId)) endFencedLease(home.run, home.task, leaseId, "its host has no such lease", now);
    }
    return again;
  }

  view(session: LiveSession): SessionView {
    const leases = [];
    for (const [leaseId, { run, task }] of session.leases) leases.push(leaseLine(leaseId, run, run.task(task), false));
    for (const [leaseId, { run, task }] of session.endings) leases.push(leaseLine(leaseId, run, run.task(task), true));
    return { session: session.record, held: session.held, lastHeard: session.lastHeard, leases };
  }

  settle(): void {
    for (const session of this.dirty) session.before = undefined;
    this.dirty.clear();
  }

  /** First half of a roll-back: sessions that ended or changed are as before, so that their leases find them again. */
  restore(): void {
    for (const session of this.dirty) {
      if (session.before === null || session.before === undefined) continue;
      if (session.record.draining !== session.before.draining) this.books.dispatch.drainChanged();
      session.record = session.before;
      session.ended = false;
      this.#put(session);
    }
  }

  /** Second half, once all leases are back where they were: sessions that the turn made are gone. */
  forget(): void {
    for (const session of this.dirty) {
      if (session.before === null) {
        this.books.dispatch.leave(session);
        this.books.sessions.delete(session.id);
        this.#forgetHost(session);
      }
    }
    this.settle();
  }

  #resume(session: LiveSession, item: OpenSession, now: number): OpenedSession | CloacaError {
    const { record } = session;
    if (item.resumeToken !== record.resumeToken) {
      return new CloacaError(
        "RESUME_TOKEN_INVALID",
        `hello.resume_token is not the one of the live session of host ${quote(item.spec.hostId)}, instance ${quote(item.spec.instanceId)}; ` +
          "send the token from its last Welcome, or another instance_id for another process",
      );
    }
    session.lastHeard = now;
    this.#change(session, { ...record, generation: record.generation + 1, spec: item.spec });
    return { session: session.record, resumed: true, verdicts: this.#verdicts(session, item.held, now), ended: null };
  }

  #change(session: LiveSession, record: SessionRecord): void {
    if (session.before === undefined) session.before = session.record;
    if (session.record.draining !== record.draining) this.books.dispatch.drainChanged();
    session.record = record;
    this.dirty.add(session);
    this.books.dispatch.join(session);
    this.books.refresh(session);
    this.#expectExpiry(session);
  }

  #put(session: LiveSession): void {
    this.books.sessions.set(session.id, session);
    this.#byHost.set(hostKey(session.record.spec), session);
    this.books.dispatch.join(session);
    this.books.refresh(session);
    if (session.reclaims.size > 0) this.books.reclaiming.add(session);
    this.#expectExpiry(session);
  }

  /** The host's name may be another session's by now: after a roll-back it is the one's from which it was taken over. */
  #forgetHost(session: LiveSession): void {
    const key = hostKey(session.record.spec);
    if (this.#byHost.get(key) === session) this.#byHost.delete(key);
  }

  #expectExpiry(session: LiveSession): void {
    const at = session.lastHeard + session.record.spec.ttlMs;
    this.#nextExpiry = this.#nextExpiry === null ? at : Math.min(this.#nextExpiry, at);
  }

  #verdicts(session: LiveSession, held: readonly ListedLease[], now: number): LeaseVerdict[] {
    return held.map((listed) => this.#verdict(session, listed, now));
  }

  #verdict(session: LiveSession, { leaseId }: ListedLease, now: number): LeaseVerdict {
    const revoked: LeaseVerdict = {
      leaseId,
      state: "REVOKED",
      deferral: 0,
      outcome: null,
      cancelReason: null,
      detail: "",
    };
    const address = parseLeaseId(leaseId);
    const run = address === null ? null : this.findRun(address.runId);
    if (address === null || run === null || address.task >= run.graph.tasks.length) return revoked;
    const task = run.task(address.task);
    const ending = task.ending.find((e) => e.id === leaseId && e.sessionId === session.id);
    if (ending !== undefined) return { ...revoked, state: "ENDING", ...cancelNews(run, task, ending, now) };
    if (task.outcome?.leaseId === leaseId && task.outcome.sessionId === session.id)
      return { ...revoked, state: "FINISHED" };
    if (task.lease?.id !== leaseId || task.lease.sessionId !== session.id) return revoked;
    const { deferral } = task.lease;
    return { ...revoked, state: verdictState(task), deferral: deferral?.n ?? 0, outcome: deferral?.outcome ?? null };
  }
}

/** What `Cancel` has told, or would have (P6). */
function cancelNews(
  run: LiveRun,
  { task }: TaskRun,
  { reason, retry }: EndingLease,
  now: number,
): Pick<LeaseVerdict, "cancelReason" | "detail" | "failure"> {
  const news = { cancelReason: reason, detail: cancelDetail(run, task, reason) };
  return retry === undefined ? news : { ...news, failure: failureVerdict(retry, now) };
}

function verdictState(task: TaskRun): LeaseVerdict["state"] {
  return task.state === "DEFERRED" || task.state === "RECLAIMING" ? task.state : "HELD";
}

function leaseLine(leaseId: string, run: LiveRun, task: TaskRun, ending: boolean): SessionView["leases"][number] {
  const taskId = run.graph.tasks[task.task]?.id ?? "";
  return { leaseId, runId: task.runId, taskId, state: task.state, ending };
}

function hostIdInUse({ record }: LiveSession, silentMs: number): CloacaError {
  return new CloacaError(
    "HOST_ID_IN_USE",
    `hello.host_id ${quote(record.spec.hostId)} belongs to a live session of instance ${quote(record.spec.instanceId)}, heard ${silentMs} ms ago; ` +
      "give each process its own host_id, or wait until the other one is gone",
  );
}

function hostKey({ namespace, hostId }: { namespace: string; hostId: string }): string {
  return `${namespace}\n${hostId}`;
}
