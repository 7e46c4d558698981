/** What must be true of the books after every turn. Each breach is a sentence; an empty list means that all holds. */
import type { Run, TaskRun } from "./model.js";
import { isRunOver } from "./run-machine.js";
import { isTerminal, slotsHeld } from "./task-run.js";

export interface BooksOfSession {
  readonly id: string;
  readonly held: number;
  /** Held slots beyond the offered ones are fine after `SetSlots` only (P2). */
  readonly leaseIds: ReadonlySet<string>;
}

export interface BooksOfRun {
  readonly run: Run;
  readonly tasks: readonly TaskRun[];
}

export function breaches(runs: Iterable<BooksOfRun>, sessions: ReadonlyMap<string, BooksOfSession>): string[] {
  const found: string[] = [];
  const held = new Map<string, number>();
  const leases = new Set<string>();
  for (const { run, tasks } of runs) {
    checkRun(run, tasks, found);
    for (const task of tasks) {
      checkTask(task, found);
      checkLease(task, sessions, leases, found);
      countHeld(task, held);
    }
  }
  for (const session of sessions.values()) {
    const counted = held.get(session.id) ?? 0;
    if (counted !== session.held)
      found.push(`session ${session.id}: books say ${session.held} held, leases hold ${counted}`);
    held.delete(session.id);
    for (const id of session.leaseIds) {
      if (!leases.has(id)) found.push(`session ${session.id} has lease ${id} in its books, which no task run has`);
    }
  }
  for (const [id, count] of held) if (count > 0) found.push(`session ${id} is unknown and holds ${count} slots`);
  return found;
}

function checkRun(run: Run, tasks: readonly TaskRun[], found: string[]): void {
  const open = tasks.filter((task) => !isTerminal(task.state)).length;
  const failed = tasks.filter((task) => task.state === "FAILED").length;
  if (failed !== run.failed) found.push(`run ${run.id}: ${run.failed} failed in its books, ${failed} task runs have`);
  if (open !== run.open) found.push(`run ${run.id}: ${run.open} open in its books, ${open} task runs have not ended`);
  if (isRunOver(run.status) !== (open === 0)) found.push(`run ${run.id} is ${run.status} with ${open} open task runs`);
}

function checkTask(task: TaskRun, found: string[]): void {
  const name = `task run ${task.runId}[${task.task}]`;
  const leased = task.state === "LEASED" || task.state === "DEFERRED" || task.state === "RECLAIMING";
  if (leased !== (task.lease !== null)) found.push(`${name} is ${task.state} ${leased ? "without" : "with"} a lease`);
  const waits = task.state === "RETRYING";
  if (waits !== (task.retryAt !== null))
    found.push(`${name} is ${task.state} ${waits ? "without" : "with"} a time of its next attempt`);
  if (task.lease === null) return;
  const holds = task.lease.slotSince !== null;
  if (holds !== (task.state === "LEASED"))
    found.push(`${name} is ${task.state} and ${holds ? "holds a" : "has no"} slot`);
}

function checkLease(
  task: TaskRun,
  sessions: ReadonlyMap<string, BooksOfSession>,
  leases: Set<string>,
  found: string[],
): void {
  for (const { id, sessionId } of [...(task.lease === null ? [] : [task.lease]), ...task.ending]) {
    if (leases.has(id)) found.push(`lease ${id} is current or ending twice`);
    leases.add(id);
    const session = sessions.get(sessionId);
    if (session === undefined) found.push(`lease ${id} belongs to session ${sessionId}, which is not alive`);
    else if (!session.leaseIds.has(id)) found.push(`lease ${id} is not in the books of session ${sessionId}`);
  }
}

function countHeld(task: TaskRun, held: Map<string, number>): void {
  if (slotsHeld(task) === 0) return;
  if (task.lease !== null && task.lease.slotSince !== null) add(held, task.lease.sessionId);
  for (const ending of task.ending) if (ending.holdsSlot) add(held, ending.sessionId);
}

function add(held: Map<string, number>, sessionId: string): void {
  held.set(sessionId, (held.get(sessionId) ?? 0) + 1);
}
