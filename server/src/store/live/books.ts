/** The indexes over live runs and sessions, kept by following each change of a task run. */

import type { TaskRun } from "../../core/model.js";
import { Deadlines } from "./deadlines.js";
import { Dispatch } from "./dispatch.js";
import type { LiveRun, RunObserver } from "./live-run.js";
import type { LeaseHome, LiveSession } from "./live-session.js";

export class Books implements RunObserver {
  readonly sessions = new Map<string, LiveSession>();
  readonly dispatch = new Dispatch();
  readonly deadlines = new Deadlines();
  /** Sessions with reclaims that wait for a slot. */
  readonly reclaiming = new Set<LiveSession>();
  /** Sessions whose streak of reclaims the turn changed. */
  readonly streaks = new Set<LiveSession>();
  readonly dirtyRuns = new Set<LiveRun>();
  /** Runs that have not ended, or whose fenced leases have not, by id. */
  readonly runs = new Map<string, LiveRun>();
  readonly #pausedWorkflows = new Set<string>();

  dirty(run: LiveRun): void {
    this.dirtyRuns.add(run);
    // A run that had ended, and is taken up again: whoever asks for it in this turn must find this one.
    if (run.hadFinished) this.runs.set(run.run().id, run);
  }

  taskChanged(run: LiveRun, before: TaskRun, after: TaskRun): void {
    if (before.state !== after.state) this.#followReady(run, before, after);
    if (before.lease !== after.lease || before.ending !== after.ending) {
      this.#remove(before);
      this.#add(run, after);
      run.endings += after.ending.length - before.ending.length;
      this.deadlines.follow(run, after);
    } else if (before.state === "RETRYING" || after.state === "RETRYING") {
      this.deadlines.follow(run, after);
    }
  }

  /** Follows the run's own deadline, and whether its task runs may be claimed. */
  runChanged(run: LiveRun): void {
    this.deadlines.followRun(run);
    const { status, namespace, workflow } = run.run();
    const isClaimable = status !== "PAUSED" && !this.#isPaused(namespace, workflow);
    if (isClaimable === run.isClaimable) return;
    run.isClaimable = isClaimable;
    for (const task of run.tasks()) {
      if (task.state !== "READY") continue;
      if (isClaimable) this.#enqueue(run, task.task);
      else this.#dequeue(run, task.task);
    }
  }

  /** Follows a workflow that is paused or resumed. */
  workflowPaused(namespace: string, workflow: string, paused: boolean): void {
    const key = workflowKey(namespace, workflow);
    if (paused) this.#pausedWorkflows.add(key);
    else this.#pausedWorkflows.delete(key);
    for (const run of this.runs.values()) {
      const of = run.run();
      if (of.workflow === workflow && of.namespace === namespace) this.runChanged(run);
    }
  }

  /** Enters a task run that was read from the journal. Call it in the order in which they became ready, or reclaimed. */
  enter(run: LiveRun, task: TaskRun): void {
    if (task.state === "READY" && run.isClaimable) this.#enqueue(run, task.task);
    this.#add(run, task);
    run.endings += task.ending.length;
    this.deadlines.follow(run, task);
  }

  /** Follows a change of what a session may take. */
  refresh(session: LiveSession): void {
    const { group } = session;
    if (group === null) return;
    if (session.takesNewLeases) group.open.add(session);
    else group.open.delete(session);
  }

  /** P8: counts reclaims in a row. */
  setStreak(session: LiveSession, streak: number): void {
    session.streakBefore ??= session.reclaimStreak;
    session.reclaimStreak = streak;
    this.streaks.add(session);
  }

  /** The turn is over: its streaks stay, or are as before when it failed. */
  endStreaks(keep: boolean): void {
    for (const session of this.streaks) {
      if (!keep && session.streakBefore !== null) session.reclaimStreak = session.streakBefore;
      session.streakBefore = null;
    }
    this.streaks.clear();
  }

  /** What the indexes say otherwise than the runs; empty when they agree. */
  breaches(runs: Iterable<LiveRun>): string[] {
    const found: string[] = [];
    let ready = 0;
    const reclaims = new Map<string, number>();
    for (const run of runs) {
      for (const { state, task, lease } of run.tasks()) {
        if (state === "READY" && run.isClaimable) ready++;
        if ((state === "READY" && run.isClaimable) !== (run.ready[task] !== undefined))
          found.push(`${run.run().id}[${task}] is ${state}, its queue differs`);
        if (state === "RECLAIMING" && lease !== null) {
          reclaims.set(lease.sessionId, (reclaims.get(lease.sessionId) ?? 0) + 1);
        }
      }
    }
    if (ready !== this.dispatch.readyCount) found.push(`${ready} are ready, ${this.dispatch.readyCount} are queued`);
    for (const session of this.sessions.values()) {
      const { id, reclaims: queue } = session;
      const count = reclaims.get(id) ?? 0;
      if (count !== queue.size) found.push(`session ${id}: ${count} reclaim, ${queue.size} are queued`);
      if (queue.size > 0 !== this.reclaiming.has(session))
        found.push(`session ${id} is missed among those that reclaim`);
      if (session.group?.open.has(session) !== session.takesNewLeases) {
        found.push(
          `session ${id} ${session.takesNewLeases ? "could take" : "cannot take"} new leases, its group differs`,
        );
      }
    }
    return found;
  }

  #isPaused(namespace: string, workflow: string): boolean {
    return this.#pausedWorkflows.size > 0 && this.#pausedWorkflows.has(workflowKey(namespace, workflow));
  }

  #followReady(run: LiveRun, before: TaskRun, after: TaskRun): void {
    if (before.state === "READY") this.#dequeue(run, before.task);
    if (after.state === "READY" && run.isClaimable) this.#enqueue(run, after.task);
  }

  #enqueue(run: LiveRun, task: number): void {
    run.ready[task] = this.dispatch.add(run, task, run.leftReady[task]);
  }

  #dequeue(run: LiveRun, task: number): void {
    const entry = run.ready[task];
    run.ready[task] = undefined;
    if (entry === undefined) return;
    this.dispatch.remove(entry);
    run.leftReady[task] = entry.order;
  }

  #remove(task: TaskRun): void {
    const { lease } = task;
    if (lease !== null) {
      const session = this.sessions.get(lease.sessionId);
      if (session !== undefined) {
        session.leases.delete(lease.id);
        if (lease.slotSince !== null) session.held--;
        if (session.reclaims.delete(lease.id) && session.reclaims.size === 0) this.reclaiming.delete(session);
        this.refresh(session);
      }
    }
    for (const ending of task.ending) {
      const session = this.sessions.get(ending.sessionId);
      if (session === undefined) continue;
      session.endings.delete(ending.id);
      if (ending.holdsSlot) session.held--;
      this.refresh(session);
    }
  }

  #add(run: LiveRun, task: TaskRun): void {
    const home: LeaseHome = { run, task: task.task };
    const { lease } = task;
    if (lease !== null) {
      const session = this.sessions.get(lease.sessionId);
      if (session !== undefined) {
        session.leases.set(lease.id, home);
        if (lease.slotSince !== null) session.held++;
        if (task.state === "RECLAIMING" && lease.deferral !== null) {
          session.reclaims.add(lease.id, lease.deferral, home);
          this.reclaiming.add(session);
        }
        this.refresh(session);
      }
    }
    for (const ending of task.ending) {
      const session = this.sessions.get(ending.sessionId);
      if (session === undefined) continue;
      session.endings.set(ending.id, home);
      if (ending.holdsSlot) session.held++;
      this.refresh(session);
    }
  }
}

function workflowKey(namespace: string, workflow: string): string {
  return `${namespace}\n${workflow}`;
}
