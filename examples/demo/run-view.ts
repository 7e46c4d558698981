/** What a run's event log tells: the state of each task, and who held which slot when. Pure projections of the log. */
import type { RunEventInfo, RunEventName } from "cloaca";

export type TaskState =
  | "waiting"
  | "ready"
  | "running"
  | "deferred"
  | "reclaiming"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "skipped";

/** A stretch of time of a lease: with a slot, or without one until its condition holds, or until it has a slot again. */
export interface Stretch {
  readonly kind: "held" | "deferred" | "reclaiming";
  readonly host: string;
  /** Milliseconds of the scheduler's clock. */
  readonly from: number;
  /** Null while it lasts. */
  readonly to: number | null;
}

export interface TaskView {
  readonly id: string;
  readonly state: TaskState;
  /** The host that holds, or last held, the lease. Empty before the first lease. */
  readonly host: string;
  /** What the log says about the state, for people. */
  readonly reason: string;
  /** How often it was leased. */
  readonly leases: number;
  /** Whether this execution goes on after a deferral. */
  readonly isResumed: boolean;
  readonly stretches: readonly Stretch[];
}

/** A slot that was given back by a deferral, and what ran in it until the task had one again. */
export interface HandOver {
  readonly task: string;
  readonly host: string;
  readonly from: number;
  /** When the task had a slot again; null as long as it has none. */
  readonly to: number | null;
  /** Tasks that were leased at the same host meanwhile, in this order. */
  readonly reusedBy: readonly string[];
}

const STATES: Partial<Record<RunEventName, TaskState>> = {
  TASK_READY: "ready",
  TASK_LEASED: "running",
  TASK_LOST: "ready",
  TASK_DEFERRED: "deferred",
  TASK_RECLAIMING: "reclaiming",
  TASK_RESUMED: "running",
  TASK_SUCCEEDED: "succeeded",
  TASK_FAILED: "failed",
  TASK_CANCELLED: "cancelled",
  TASK_SKIPPED: "skipped",
};

/** The tasks as the log leaves them, in the given order. */
export function tasksOf(ids: readonly string[], events: readonly RunEventInfo[]): TaskView[] {
  return ids.map((id) => events.filter(({ task }) => task === id).reduce(apply, newTask(id)));
}

function newTask(id: string): TaskView {
  return { id, state: "waiting", host: "", reason: "", leases: 0, isResumed: false, stretches: [] };
}

function apply(task: TaskView, event: RunEventInfo): TaskView {
  return {
    ...task,
    state: STATES[event.type] ?? task.state,
    host: event.hostId === "" ? task.host : event.hostId,
    reason: event.failure?.message ?? event.reason,
    leases: task.leases + (event.type === "TASK_LEASED" ? 1 : 0),
    isResumed: event.type === "TASK_RESUMED" || (task.isResumed && event.type !== "TASK_LEASED"),
    stretches: stretchesAfter(task.stretches, event),
  };
}

/** Slots are followed by what the log says about them, `slotDelta`, not by what a state seems to mean. */
function stretchesAfter(stretches: readonly Stretch[], event: RunEventInfo): readonly Stretch[] {
  const at = event.at.getTime();
  const kind = kindAfter(event);
  if (kind === null) return stretches;
  const ended = stretches.map((stretch) => (stretch.to === null ? { ...stretch, to: at } : stretch));
  return kind === "none" ? ended : [...ended, { kind, host: event.hostId, from: at, to: null }];
}

function kindAfter({ type, slotDelta }: RunEventInfo): Stretch["kind"] | "none" | null {
  if (slotDelta > 0) return "held";
  if (type === "TASK_DEFERRED") return "deferred";
  if (type === "TASK_RECLAIMING") return "reclaiming";
  const isEnd = type === "TASK_CANCELLED" || type === "TASK_LOST" || type === "TASK_DECLINED";
  return slotDelta < 0 || isEnd ? "none" : null;
}

export function handOversOf(events: readonly RunEventInfo[]): HandOver[] {
  return events.flatMap((deferred, index) => {
    if (deferred.type !== "TASK_DEFERRED") return [];
    const later = events.slice(index + 1);
    const end = later.findIndex(({ type, leaseId }) => type === "TASK_RESUMED" && leaseId === deferred.leaseId);
    const between = end === -1 ? later : later.slice(0, end);
    const reusedBy = between
      .filter(({ type, hostId }) => type === "TASK_LEASED" && hostId === deferred.hostId)
      .map(({ task }) => task);
    const { task, hostId: host, at } = deferred;
    return [{ task, host, from: at.getTime(), to: later[end]?.at.getTime() ?? null, reusedBy }];
  });
}

/** The slots that each host holds at the end of the log, and the most that it held at once. */
export function slotsOf(
  events: readonly RunEventInfo[],
): Map<string, { readonly held: number; readonly most: number }> {
  const slots = new Map<string, { held: number; most: number }>();
  for (const { hostId, slotDelta } of events) {
    if (slotDelta === 0) continue;
    const { held, most } = slots.get(hostId) ?? { held: 0, most: 0 };
    slots.set(hostId, { held: held + slotDelta, most: Math.max(most, held + slotDelta) });
  }
  return slots;
}
