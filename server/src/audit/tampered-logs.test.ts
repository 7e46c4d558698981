/** A log that somebody has changed, or that a scheduler with a defect has written: each way is found, and told where. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { auditGraphOf } from "../core/audit/audit-graph.js";
import type { Breach, BreachKind } from "../core/audit/breach.js";
import type { AuditChunk } from "../core/audit/log-audit.js";
import type { RunEvent, RunEventType } from "../core/model.js";
import { type Story, tellStory } from "../store/contract/story.js";
import type { EventChunk } from "../store/store.js";
import { type AuditBooks, auditLog } from "./audit-log.js";

type Log = readonly EventChunk[];

async function audit(log: Log, books: AuditBooks | null): Promise<readonly Breach[]> {
  const seen = new Set<string>();
  const chunks = log.map(({ namespace, runId, graph, events }, index) => {
    const isFirst = !seen.has(runId);
    seen.add(runId);
    return { namespace, runId, graph: auditGraphOf(graph), events, isFirst, index };
  });
  const history = ({ runId, index = 0 }: AuditChunk & { index?: number }) => [
    chunks.filter((chunk) => chunk.index < index && chunk.runId === runId),
  ];
  return (await auditLog({ pages: () => [chunks], history, books }, { keep: 1_000 })).breaches;
}

type Change = (event: RunEvent) => readonly RunEvent[];

const gone: Change = () => [];
const twice: Change = (event) => [event, event];
const set =
  (values: Partial<RunEvent>): Change =>
  (event) => [{ ...event, ...values }];

/** The log with the first event that fits changed, replaced by several, or by none. */
function changed(log: Log, fits: (event: RunEvent, runId: string) => boolean, change: Change): Log {
  let isDone = false;
  const result = log.map((chunk) => ({
    ...chunk,
    events: chunk.events.flatMap((event) => {
      if (isDone || !fits(event, chunk.runId)) return [event];
      isDone = true;
      return change(event);
    }),
  }));
  if (!isDone) throw new Error("the log has no such event");
  return result;
}

/** Every event of a run. */
function everywhere(log: Log, runId: string, change: (event: RunEvent) => RunEvent): Log {
  return log.map((chunk) => (chunk.runId === runId ? { ...chunk, events: chunk.events.map(change) } : chunk));
}

/** Numbers the events of each run anew, so that nothing shows but what was done. */
function renumbered(log: Log): Log {
  const seqs = new Map<string, number>();
  return log.map((chunk) => ({
    ...chunk,
    events: chunk.events.map((event) => {
      const seq = (seqs.get(chunk.runId) ?? 0) + 1;
      seqs.set(chunk.runId, seq);
      return { ...event, seq };
    }),
  }));
}

/** Two commits in each other's place, and at each other's time. */
function swapped(log: Log, a: number, b: number): Log {
  const at = (index: number): number => log[index]?.events[0]?.at ?? 0;
  return log.map((chunk, index) => {
    if (index !== a && index !== b) return chunk;
    const other = log[index === a ? b : a] ?? chunk;
    return { ...other, events: other.events.map((event) => ({ ...event, at: at(index) })) };
  });
}

interface Tampering {
  readonly name: string;
  readonly kind: BreachKind;
  readonly run: keyof Story["runs"];
  readonly tamper: (log: Log, story: Story) => Log;
  readonly found: RegExp;
  readonly right: RegExp;
}

const of =
  (story: Story, run: keyof Story["runs"], ...types: readonly RunEventType[]) =>
  (event: RunEvent, runId: string): boolean =>
    types.includes(event.type) && runId === story.runs[run];

/** A change of the first event of a type in a run. */
function at(run: keyof Story["runs"], type: RunEventType, change: Change): Tampering["tamper"] {
  return (log, story) => changed(log, of(story, run, type), change);
}

const TAMPERED: readonly Tampering[] = [
  {
    name: "an event is gone",
    kind: "EVENT_SEQ",
    run: "retried",
    tamper: at("retried", "TASK_LEASED", gone),
    found: /event 4 \(TASK_RETRYING\) after event 2/,
    right: /event 3 is missing/,
  },
  {
    name: "an event comes twice",
    kind: "EVENT_SEQ",
    run: "handled",
    tamper: at("handled", "TASK_SUCCEEDED", twice),
    found: /after event \d+/,
    right: /each number comes once/,
  },
  {
    name: "the events of a run stand in another order",
    kind: "EVENT_SEQ",
    run: "again",
    tamper: (log, { runs }) => [
      ...log.filter((c) => c.runId !== runs.again),
      ...log.filter((c) => c.runId === runs.again).reverse(),
    ],
    found: /after event 0/,
    right: /are missing/,
  },
  {
    name: "an event is gone, and the others are numbered anew",
    kind: "STALE_LEASE",
    run: "retried",
    tamper: (log, story) => renumbered(at("retried", "TASK_RETRYING", gone)(log, story)),
    found: /TASK_READY without a lease/,
    right: /it names lease run\d+\.0\.1, which is current/,
  },
  {
    name: "a log of a run comes twice",
    kind: "EVENT_SEQ",
    run: "handled",
    tamper: (log, { runs }) => [...log, ...log.filter(({ runId }) => runId === runs.handled)],
    found: /event 1 \(RUN_STARTED\) after event \d+/,
    right: /event \d+/,
  },
  {
    name: "a task is deferred while it is deferred",
    kind: "TRANSITION",
    run: "waits",
    tamper: (log, story) => renumbered(at("waits", "TASK_DEFERRED", twice)(log, story)),
    found: /TASK_DEFERRED in DEFERRED/,
    right: /possible in LEASED/,
  },
  {
    name: "a lease keeps its slot when it has ended",
    kind: "LEASE_SLOTS",
    run: "handled",
    tamper: at("handled", "TASK_SUCCEEDED", set({ slotDelta: undefined })),
    found: /TASK_SUCCEEDED of lease .* changes held slots by 0/,
    right: /^-1/,
  },
  {
    name: "a lease takes two slots",
    kind: "LEASE_SLOTS",
    run: "handled",
    tamper: at("handled", "TASK_LEASED", set({ slotDelta: 2 })),
    found: /by \+2/,
    right: /^\+1/,
  },
  {
    name: "a slot comes back with the cancellation, while the code still runs",
    kind: "LEASE_SLOTS",
    run: "cancelled",
    tamper: at("cancelled", "TASK_CANCELLED", set({ slotDelta: -1 })),
    found: /TASK_CANCELLED of lease/,
    right: /^0/,
  },
  {
    name: "a session is given more than it offers",
    kind: "SESSION_SLOTS",
    run: "second",
    tamper: at("second", "TASK_LEASED", set({ slots: 1 })),
    found: /session \w+ holds 2 slots after lease run\d+\.0\.1 took one/,
    right: /at most 1/,
  },
  {
    name: "the result of an old lease is taken",
    kind: "STALE_LEASE",
    run: "lost",
    tamper: at("lost", "TASK_SUCCEEDED", (event) => [{ ...event, leaseId: event.leaseId?.replace(/\d+$/, "1") }]),
    found: /TASK_SUCCEEDED of lease run\d+\.0\.1$/,
    right: /lease run\d+\.0\.3 is current \(fence 3\)/,
  },
  {
    name: "a result is taken twice",
    kind: "SECOND_OUTCOME",
    run: "retried",
    tamper: (log, story) =>
      renumbered(at("retried", "TASK_RETRYING", (event) => [event, { ...event, type: "TASK_FAILED" }])(log, story)),
    found: /TASK_FAILED of lease .*, which had ended with TASK_RETRYING/,
    right: /one outcome/,
  },
  {
    name: "a fenced lease ends twice",
    kind: "STALE_LEASE",
    run: "cancelled",
    tamper: (log, story) => renumbered(at("cancelled", "LEASE_ENDED", twice)(log, story)),
    found: /LEASE_ENDED of lease/,
    right: /ends it once/,
  },
  {
    name: "a fence is used again",
    kind: "FENCE",
    run: "lost",
    tamper: (log, { runs }) =>
      everywhere(log, runs.lost, (event) => ({ ...event, leaseId: event.leaseId?.replace(/\.3$/, ".2") })),
    found: /lease run\d+\.0\.2 has fence 2/,
    right: /a fence above 2/,
  },
  {
    name: "a lease has the id of another run's",
    kind: "FENCE",
    run: "lost",
    tamper: (log, { runs }) =>
      everywhere(log, runs.lost, (event) => ({ ...event, leaseId: event.leaseId?.replace(/^run\d+/, "run999") })),
    found: /run999\.0\.1/,
    right: /an id of task 0 of run run\d+/,
  },
  {
    name: "a host gets again what it has declined",
    kind: "SESSION",
    run: "lost",
    tamper: (log, { runs }) => {
      const declined = log.flatMap(({ events }) => events).find(({ type }) => type === "TASK_DECLINED");
      return everywhere(log, runs.lost, (event) =>
        event.leaseId?.endsWith(".2") === true ? { ...event, sessionId: declined?.sessionId } : event,
      );
    },
    found: /which has declined it/,
    right: /never gets it again/,
  },
  {
    name: "somebody else says the outcome",
    kind: "SESSION",
    run: "handled",
    tamper: at("handled", "TASK_SUCCEEDED", set({ sessionId: "session99" })),
    found: /TASK_SUCCEEDED by session session99/,
    right: /belongs to session session\d+/,
  },
  {
    name: "the loss of a host is counted as an attempt",
    kind: "ATTEMPT",
    run: "lost",
    tamper: (log, { runs }) =>
      everywhere(log, runs.lost, (event) =>
        event.leaseId?.endsWith(".3") === true ? { ...event, attempt: 2 } : event,
      ),
    found: /TASK_LEASED of task "a" after READY says attempt 2/,
    right: /attempt 1: only retries count/,
  },
  {
    name: "the loss of a host is not counted",
    kind: "RECOVERY",
    run: "lost",
    tamper: at("lost", "TASK_LOST", set({ recovery: undefined })),
    found: /TASK_LOST of task "a" after LEASED says recovery 0/,
    right: /recovery 1/,
  },
  {
    name: "a failure is retried that the policy does not retry",
    kind: "ATTEMPT",
    run: "handled",
    tamper: at("handled", "TASK_FAILED", set({ type: "TASK_RETRYING" })),
    found: /retry 1 follows/,
    right: /allows 0/,
  },
  {
    name: "a deferral is left out",
    kind: "DEFERRAL",
    run: "waits",
    tamper: (log, { runs }) =>
      everywhere(log, runs.waits, (event) => (event.deferral === 1 ? { ...event, deferral: 2 } : event)),
    found: /deferral 2/,
    right: /deferral 1/,
  },
  {
    name: "a retry begins before its time",
    kind: "RETRY_TIME",
    run: "retried",
    tamper: at("retried", "TASK_RETRYING", (event) => [{ ...event, retryAt: (event.retryAt ?? 0) + 100_000 }]),
    found: /attempt 2 begins \d+ ms before its time/,
    right: /not before 20/,
  },
  {
    name: "a reclaim is resumed before one that asked first",
    kind: "RECLAIM_ORDER",
    run: "second",
    tamper: (log, { runs }) => {
      const resumed = (run: string): number =>
        log.findIndex(({ runId, events }) => runId === run && events.some(({ type }) => type === "TASK_RESUMED"));
      return swapped(log, resumed(runs.waits), resumed(runs.second));
    },
    found: /is resumed while lease run\d+\.0\.1 waits/,
    right: /first: it asked at event \d+ of run/,
  },
  {
    name: "a task starts before the one that it depends on has ended",
    kind: "DEPENDENCY",
    run: "retried",
    tamper: (log, { runs }) =>
      everywhere(log, runs.retried, (event) => ({
        ...event,
        task: event.task === undefined ? undefined : 1 - event.task,
      })),
    found: /TASK_READY of task "b" while task "a" is WAITING/,
    right: /after all its dependencies/,
  },
  {
    name: "a task starts though the one before it failed",
    kind: "DEPENDENCY",
    run: "handled",
    tamper: at("handled", "TASK_SKIPPED", set({ type: "TASK_READY" })),
    found: /TASK_READY of task "rest", though task "a" is FAILED/,
    right: /TASK_SKIPPED/,
  },
  {
    name: "a run succeeds whose failure nobody handles",
    kind: "RUN_STATUS",
    run: "again",
    tamper: at("again", "RUN_FAILED", set({ type: "RUN_SUCCEEDED" })),
    found: /RUN_SUCCEEDED/,
    right: /RUN_FAILED: task "a" has failed/,
  },
  {
    name: "a run fails whose failure is handled",
    kind: "RUN_STATUS",
    run: "handled",
    tamper: at("handled", "RUN_SUCCEEDED", set({ type: "RUN_FAILED" })),
    found: /RUN_FAILED/,
    right: /RUN_SUCCEEDED: no task has failed without/,
  },
  {
    name: "a run ends before its tasks have",
    kind: "RUN_STATUS",
    run: "live",
    tamper: at("live", "TASK_LEASED", (event) => [event, { seq: event.seq + 1, at: event.at, type: "RUN_SUCCEEDED" }]),
    found: /RUN_SUCCEEDED while task "a" is LEASED/,
    right: /when all its tasks have ended/,
  },
  {
    name: "a paused run gives out a lease",
    kind: "TRANSITION",
    run: "live",
    tamper: (log, story) =>
      renumbered(
        at("live", "TASK_LEASED", (event) => [{ seq: 0, at: event.at, type: "RUN_PAUSED" }, event])(log, story),
      ),
    found: /TASK_LEASED of task "a" in a run that is PAUSED/,
    right: /gives out no lease/,
  },
  {
    name: "something happens in a run that is over",
    kind: "TRANSITION",
    run: "handled",
    tamper: (log, story) =>
      renumbered(
        at("handled", "RUN_SUCCEEDED", (event) => [event, { seq: 0, at: event.at, type: "TASK_READY", task: 2 }])(
          log,
          story,
        ),
      ),
    found: /in a run that is SUCCEEDED/,
    right: /only fenced leases end/,
  },
  {
    name: "the last event of a run is gone",
    kind: "BOOKS",
    run: "handled",
    tamper: at("handled", "RUN_SUCCEEDED", gone),
    found: /status SUCCEEDED in the store/,
    right: /RUNNING by the log/,
  },
  {
    name: "what followed on the retry of a run is gone",
    kind: "BOOKS",
    run: "again",
    tamper: (log, { runs }) => {
      const retried = log.findIndex(({ events }) => events.some(({ type }) => type === "RUN_RETRIED"));
      return log.filter((chunk, index) => chunk.runId !== runs.again || index < retried);
    },
    found: /ends with event \d+/,
    right: /event \d+, by the store/,
  },
];

describe("an audit", () => {
  let story: Story;

  beforeAll(async () => {
    story = await tellStory();
  });

  it("finds nothing in a log that is right", async () => {
    expect(await audit(story.log, story.books)).toEqual([]);
    const types = new Set(story.log.flatMap(({ events }) => events.map(({ type }) => type)));
    expect(types.size).toBeGreaterThanOrEqual(17);
  });

  it.each(TAMPERED)("finds that $name", async ({ kind, run, tamper, found, right }) => {
    const breaches = await audit(tamper(story.log, story), story.books);
    const runId = story.runs[run];
    const fits = breaches.filter((breach) => breach.kind === kind && breach.runId === runId);
    expect(fits.length, JSON.stringify(breaches, null, 1)).toBeGreaterThan(0);
    expect(fits.map((breach) => breach.found).join("\n")).toMatch(new RegExp(found, "m"));
    expect(fits.map((breach) => breach.right).join("\n")).toMatch(new RegExp(right, "m"));
    if (kind !== "BOOKS") expect(fits[0]?.eventSeq).toBeGreaterThan(0);
  });

  it("finds what the store says otherwise than the log", async () => {
    const { runs, books } = story;
    const live = books.run(runs.live);
    if (live === null) throw new Error("no run");
    const wrong = new Map(live.tasks).set(0, { state: "READY", attempt: 2, recovery: 0, fence: 1, leaseId: "" });
    const run = (id: string) =>
      id === runs.live ? { ...live, tasks: wrong } : id === runs.lost ? null : books.run(id);
    const breaches = await audit(story.log, { ...books, run, sessions: () => new Set() });
    expect(breaches.map(({ kind, found, right }) => [kind, found, right])).toEqual([
      ["BOOKS", "no such run in the store", "the run of its log"],
      ["BOOKS", 'task "a": state READY in the store', "LEASED by the log"],
      ["BOOKS", 'task "a": attempt 2 in the store', "1 by the log"],
      ["BOOKS", 'task "a": lease none in the store', `${runs.live}.0.1 by the log`],
      ["BOOKS", expect.stringMatching(/session \w+ is not alive, and holds 1 slots/), expect.any(String)],
    ]);
  });

  it("finds any event that is gone, comes twice, or says another slot, attempt or recovery", async () => {
    const events = story.log.flatMap((chunk) => chunk.events.map((event) => ({ event, runId: chunk.runId })));
    const changes: Record<string, Change> = {
      gone,
      twice,
      slot: (event) => [{ ...event, slotDelta: (event.slotDelta ?? 0) + 1 }],
      attempt: (event) => [{ ...event, attempt: (event.attempt ?? 0) + 1 }],
      recovery: (event) => [{ ...event, recovery: (event.recovery ?? 0) + 1 }],
    };
    const anyEvent = fc.nat({ max: events.length - 1 });
    const anyChange = fc.constantFrom(...Object.keys(changes));
    await fc.assert(
      fc.asyncProperty(anyEvent, anyChange, async (index, name) => {
        const victim = events[index];
        const change = changes[name];
        if (victim === undefined || change === undefined) return;
        // Runs hold no slots, and what ends a fenced lease counts nothing.
        const isCounted = victim.event.task !== undefined && victim.event.type !== "LEASE_ENDED";
        fc.pre(isCounted || name === "gone" || name === "twice");
        const log = changed(story.log, (event) => event === victim.event, change);
        const breaches = await audit(log, story.books);
        expect(breaches.some(({ runId }) => runId === victim.runId)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
