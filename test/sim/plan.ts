/** What happens in a simulation, and when: a seed decides it, and a shorter plan with the same seed leaves things out. */
import { Random } from "./random.js";
import { WORKFLOWS } from "./workflows.js";

export type Action =
  // Clients
  | { readonly type: "start"; readonly workflow: string; readonly priority: number }
  | { readonly type: "cancel" | "retry"; readonly run: number }
  | { readonly type: "pause"; readonly run: number; readonly ms: number }
  // The network. A side that does not notice (null) believes the connection to be open.
  | {
      readonly type: "cut";
      readonly host: number;
      readonly loses: boolean;
      readonly hostNotices: number | null;
      readonly schedulerNotices: number | null;
      readonly isStuck: boolean;
    }
  | { readonly type: "overlap"; readonly host: number }
  | { readonly type: "slow"; readonly host: number; readonly delayMs: number; readonly ms: number }
  // Hosts
  | { readonly type: "freeze host"; readonly host: number; readonly ms: number }
  | { readonly type: "kill host"; readonly host: number; readonly downMs: number }
  | { readonly type: "resize"; readonly host: number; readonly slots: number }
  | { readonly type: "drain"; readonly host: number; readonly by: "host" | "operator"; readonly graceMs: number }
  // The scheduler and its disk
  | { readonly type: "purge"; readonly newest: number | null; readonly forMs: number | null; readonly limit: number }
  | { readonly type: "crash"; readonly when: "now" | "before commit" | "after commit"; readonly downMs: number }
  /** The next commit never reaches the disk: what the operating system held of it is gone. */
  | { readonly type: "power cut"; readonly downMs: number }
  | { readonly type: "slow disk"; readonly commits: number }
  | { readonly type: "stop"; readonly downMs: number }
  | { readonly type: "fail commits"; readonly count: number }
  | { readonly type: "stall"; readonly ms: number };

export interface PlannedAction {
  /** Milliseconds after the start. */
  readonly at: number;
  readonly action: Action;
}

export interface HostPlan {
  readonly slots: number;
  readonly maxLeases: number;
}

export interface Plan {
  readonly seed: number;
  /** What is in memory is gone after a crash: such a scheduler only stalls. */
  readonly journal: "memory" | "durable";
  readonly reclaimsInARow: number;
  /** Small ones make leases wait in the queue of their connection. */
  readonly maxMessageBytes: number;
  readonly hosts: readonly HostPlan[];
  readonly actions: readonly PlannedAction[];
}

/** Until then faults happen; after it everything works. */
export const FAULTS_END_MS = 30_000;
export const TTL_MS = 4_500;

export function planOf(seed: number): Plan {
  const random = new Random(`plan/${seed}`);
  const journal = random.chance(0.2) ? "memory" : "durable";
  const hosts: HostPlan[] = [];
  for (let count = random.int(1, 3); count > 0; count--) {
    hosts.push({ slots: random.int(1, 3), maxLeases: random.chance(0.3) ? random.int(2, 5) : 0 });
  }
  const actions: PlannedAction[] = [];
  const runs = random.int(2, 7);
  for (let run = 0; run < runs; run++) {
    const at = random.int(0, 15_000);
    actions.push({ at, action: { type: "start", workflow: random.pick(WORKFLOWS).name, priority: random.int(0, 1) } });
  }
  for (let count = random.int(2, 12); count > 0; count--) {
    const at = random.int(200, FAULTS_END_MS - 2_000);
    const action = anyAction(random, hosts.length, runs, journal === "durable");
    actions.push({ at, action });
  }
  if (random.chance(0.3)) actions.push(...cancelledInTheQueue(random, hosts.length, actions));
  // Of its own seed: what the plans of all seeds were before stays as it was.
  const purges = new Random(`purge/${seed}`);
  if (purges.chance(0.5)) actions.push(...anyPurges(purges));
  actions.sort((a, b) => a.at - b.at);
  const maxMessageBytes = random.chance(0.3) ? 1_200 : 4 * 1024 * 1024;
  return { seed, journal, reclaimsInARow: random.int(1, 4), maxMessageBytes, hosts, actions };
}

/** A slow host gets several leases at once, and their run is cancelled while some wait to be sent. */
function cancelledInTheQueue(random: Random, hosts: number, others: readonly PlannedAction[]): PlannedAction[] {
  const at = random.int(500, 20_000);
  const earlier = others.filter((o) => o.action.type === "start" && o.at < at).length;
  const slow = Array.from({ length: hosts }, (_, host): PlannedAction => {
    return { at: at - 100, action: { type: "slow", host, delayMs: random.int(500, 2_500), ms: 4_000 } };
  });
  return [
    ...slow,
    { at, action: { type: "start", workflow: "wide", priority: 1 } },
    { at: at + random.int(10, 900), action: { type: "cancel", run: earlier } },
  ];
}

/** Some so small that they end in the middle of a run's rows. */
function anyPurges(random: Random): PlannedAction[] {
  return Array.from({ length: random.int(2, 8) }, (): PlannedAction => {
    const newest = random.chance(0.7) ? random.pick([0, 0, 1, 2]) : null;
    const forMs = newest === null || random.chance(0.3) ? random.pick([0, 1_000, 5_000]) : null;
    const limit = random.pick([10, 50, 1_000]);
    return { at: random.int(2_000, FAULTS_END_MS - 500), action: { type: "purge", newest, forMs, limit } };
  });
}

function anyAction(random: Random, hosts: number, runs: number, isDurable: boolean): Action {
  const host = random.int(0, hosts - 1);
  const run = random.int(0, runs - 1);
  const downMs = random.chance(0.7) ? random.int(10, 2_000) : random.int(2_000, 9_000);
  const kind = random.int(0, isDurable ? 18 : 13);
  if (kind <= 2) {
    return {
      type: "cut",
      host,
      loses: random.chance(0.6),
      hostNotices: random.chance(0.7) ? random.int(0, 300) : null,
      schedulerNotices: random.chance(0.6) ? random.int(0, 2_000) : null,
      isStuck: random.chance(0.3),
    };
  }
  switch (kind) {
    case 3:
      return { type: "overlap", host };
    case 4:
      return { type: "slow", host, delayMs: random.int(100, 2_500), ms: random.int(500, 6_000) };
    case 5:
      return { type: "freeze host", host, ms: random.int(500, 2 * TTL_MS) };
    case 6:
      return { type: "kill host", host, downMs };
    case 7:
      return { type: "resize", host, slots: random.int(0, 3) };
    case 8:
      return { type: "drain", host, by: random.pick(["host", "operator"]), graceMs: random.int(0, 3_000) };
    case 9:
      return { type: "cancel", run };
    case 10:
      return random.chance(0.5) ? { type: "pause", run, ms: random.int(100, 6_000) } : { type: "retry", run };
    case 11:
      return { type: "fail commits", count: random.int(1, 4) };
    case 12:
      return { type: "stall", ms: random.int(200, 2 * TTL_MS) };
    case 13:
      return { type: "slow disk", commits: random.int(1, 30) };
    case 14:
      return { type: "stop", downMs };
    case 15:
      return { type: "power cut", downMs };
    default:
      return { type: "crash", when: random.pick(["now", "before commit", "after commit"]), downMs };
  }
}
