/**
 * A lease id says where its lease lives: run, task and fence. So it is unique for ever (run ids are, and a task run's
 * fence only grows), and a store finds the run of any event without an index over leases. Hosts treat it as opaque.
 */
export interface LeaseAddress {
  readonly runId: string;
  /** Index of the task in the graph. */
  readonly task: number;
  readonly fence: number;
}

export function leaseId(runId: string, task: number, fence: number): string {
  return `${runId}.${task}.${fence}`;
}

/** Null for text that no scheduler ever gave out. */
export function parseLeaseId(id: string): LeaseAddress | null {
  const fenceDot = dotBefore(id, id.length);
  const taskDot = dotBefore(id, fenceDot);
  if (taskDot <= 0) return null;
  const task = decimal(id, taskDot + 1, fenceDot);
  const fence = decimal(id, fenceDot + 1, id.length);
  if (task < 0 || fence < 1) return null;
  return { runId: id.slice(0, taskDot), task, fence };
}

/** Not `lastIndexOf`: it is a call out of compiled code, and this is asked several times for each lease. */
function dotBefore(text: string, end: number): number {
  let at = end - 1;
  while (at >= 0 && text.charCodeAt(at) !== DOT) at--;
  return at;
}

const DOT = 46;

/** Plain decimal digits without leading zeros, up to 2^31 - 1; -1 for everything else. */
function decimal(text: string, from: number, to: number): number {
  if (to <= from || to - from > 10) return -1;
  if (text.charCodeAt(from) === 48 && to - from > 1) return -1;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= 0x7fffffff ? value : -1;
}

/** The fence of a lease id, if it is one of that task run; 0 for every other text. */
export function leaseFence(id: string, runId: string, task: number): number {
  const fenceDot = dotBefore(id, id.length);
  const taskDot = dotBefore(id, fenceDot);
  if (taskDot !== runId.length || decimal(id, taskDot + 1, fenceDot) !== task || !id.startsWith(runId)) return 0;
  return Math.max(0, decimal(id, fenceDot + 1, id.length));
}
