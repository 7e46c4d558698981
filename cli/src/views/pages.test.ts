import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Line, lineColumns, paint } from "../terminal/line.js";
import { ago, host, log, NOW, run, task, workflow } from "../testing/fixtures.js";
import { eventLine } from "./event-line.js";
import { liveRun } from "./live-run.js";
import { emptyLog, withEvents } from "./run-log.js";
import { runPage } from "./run-page.js";
import { proposals, type SchedulerStatus, statusPage } from "./status-page.js";
import { timeLine } from "./time-line.js";

const text = (lines: readonly Line[]): string => `\n${lines.map((line) => paint(line, 999, false)).join("\n")}\n`;

// Moments are told in local time.
beforeAll(() => void vi.stubEnv("TZ", "UTC"));
afterAll(() => void vi.unstubAllEnvs());

const EVENTS = log(
  [0, "RUN_STARTED"],
  [0, "TASK_READY", "fetch"],
  [0, "TASK_LEASED", "fetch"],
  [1_000, "TASK_SUCCEEDED", "fetch"],
  [1_000, "TASK_LEASED", "wait_for_file"],
  [1_200, "TASK_DEFERRED", "wait_for_file", { reason: "numbers.txt" }],
  [1_200, "TASK_LEASED", "load"],
  [
    2_000,
    "TASK_RETRYING",
    "load",
    {
      failure: { code: "TASK_FAILED", type: "TypeError", message: "no column", stack: "" },
      retryAt: new Date(NOW + 3_000),
    },
  ],
);
const LOG = withEvents(emptyLog(["fetch", "wait_for_file", "load", "report"]), EVENTS);
const FAILURE = {
  code: "TASK_FAILED",
  type: "TypeError",
  message: 'the column "day" is missing\nin line 3',
  stack: "TypeError: …\n    at load (etl.js:3:1)\n    at run (host.js:9:9)",
};
const GOING = [
  task("fetch", { state: "SUCCEEDED", hostId: "host-a", attempt: 1, slotHeldMs: 1_000 }),
  task("wait_for_file", {
    state: "DEFERRED",
    hostId: "host-a",
    attempt: 1,
    slotHeldMs: 200,
    waitingFor: "numbers.txt",
  }),
  task("load", {
    state: "RETRYING",
    hostId: "host-a",
    attempt: 1,
    recovery: 1,
    slotHeldMs: 800,
    failure: FAILURE,
    retryAt: new Date(NOW + 3_000),
  }),
  task("report"),
];

describe("the time line", () => {
  it.each([60, 80, 120])("fits %d columns", (width) => {
    const lines = timeLine(LOG.tasks.values(), { now: NOW, width, rows: 10 });
    for (const line of lines) expect(lineColumns(line)).toBeLessThanOrEqual(width);
    expect(lines.slice(0, 3).map((line) => paint(line, 999, false).slice(0, 15))).toEqual([
      "  fetch        ",
      "  wait_for_file",
      "  load         ",
    ]);
  });

  it("tells time with a slot from time without one", () => {
    expect(text(timeLine(LOG.tasks.values(), { now: NOW, width: 60, rows: 10 }))).toMatchInlineSnapshot(`
      "
        fetch          ███████████
        wait_for_file             ██░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        load                        █████████
                       ╵0         ╵1.0s      ╵2.0s     ╵3.0s
        █ holds a slot
        ░ deferred: waits without one
        ╌ waits for a slot to go on
      "
    `);
  });

  it("keeps the longest where there are too many, and says how many are left out", () => {
    expect(text(timeLine(LOG.tasks.values(), { now: NOW, width: 60, rows: 1 }))).toMatchInlineSnapshot(`
      "
        wait_for_file             ██░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
                       ╵0         ╵1.0s      ╵2.0s     ╵3.0s
        and 2 shorter ones
        █ holds a slot
        ░ deferred: waits without one
        ╌ waits for a slot to go on
      "
    `);
  });

  it("is nothing while nothing was leased", () => {
    expect(timeLine(emptyLog(["a"]).tasks.values(), { now: NOW, width: 60, rows: 10 })).toEqual([]);
  });
});

describe("the page of a run", () => {
  const options = {
    width: 80,
    now: NOW,
    rows: 50,
    isWhole: false,
    waits: new Map([["report", 'it waits for task "load"']]),
  };

  it("that goes on", () => {
    const going = run({ labels: { team: "data" }, priority: 5, deadlineAt: new Date(NOW + 600_000) });
    expect(text(runPage({ run: going, tasks: GOING, log: LOG }, options))).toMatchInlineSnapshot(`
      "
      ● etl  r0mwuqv8s6refcltn88qhn  running
        version 135838ed36e2ff7bd517 · started 5s ago, 2026-11-24 11:59:55 · for 4.0s
        priority 5 · deadline in 10m · team=data

      TASK           STATE        HOST    TRY  SLOT HELD
      fetch          ✓ succeeded  host-a    1       1.0s
      wait_for_file  ◌ deferred   host-a    1      200ms  waits for numbers.txt
      load           ↻ retrying   host-a  1+1      800ms  again in 3s, after TypeErro…
      report         · waiting                            it waits for task "load"

        fetch          ████████████████
        wait_for_file                  ███░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        load                              █████████████
                       ╵0              ╵1.0s           ╵2.0s          ╵3.0s
        █ holds a slot   ░ deferred: waits without one   ╌ waits for a slot to go on
      "
    `);
  });

  it("that has killed its hosts", () => {
    const losses = [3_500, 2_500, 1_500].map((ms, index) => ({
      hostId: `host-${"abc"[index]}`,
      sessionId: `s${index + 1}`,
      leaseId: `r0.0.${index + 1}`,
      attempt: 1,
      at: ago(ms),
      slotHeld: index !== 1,
      reason: "its session expired",
    }));
    const message = '3 hosts were lost while they executed it: "host-a", "host-b", "host-c"';
    const failure = { code: "HOST_LOST", type: "", message, stack: "", hostLosses: losses };
    const poison = task("poison", { state: "FAILED", hostId: "host-c", attempt: 1, failure, hostLosses: losses });
    const page = text(
      runPage({ run: run({ status: "FAILED" }), tasks: [poison], log: emptyLog([]) }, { ...options, width: 100 }),
    );
    expect(page.slice(page.indexOf("✗ poison failed"))).toMatchInlineSnapshot(`
      "✗ poison failed
          HOST_LOST: 3 hosts were lost while they executed it: "host-a", "host-b", "host-c"
          LOST                 HOST    SESSION  WHILE            TRY  HOW
          2026-11-24 11:59:56  host-a  s1       it ran             1  its session expired
          2026-11-24 11:59:57  host-b  s2       it was deferred    1  its session expired
          2026-11-24 11:59:58  host-c  s3       it ran             1  its session expired
      "
    `);
  });

  it("that has failed", () => {
    const failed = run({
      status: "FAILED",
      finishedAt: ago(1_000),
      reason: 'task "load" failed',
      contextText: { n: "3", big: `"${"x".repeat(200)}"` },
    });
    const tasks = [
      task("load", { state: "FAILED", hostId: "host-a", attempt: 3, slotHeldMs: 800, failure: FAILURE }),
      task("report", { state: "SKIPPED", skipCause: "UPSTREAM_FAILED", reason: "UPSTREAM_FAILED" }),
      task("other", { state: "SKIPPED", skipCause: "RULE", reason: "RULE" }),
    ];
    const ended = withEvents(
      emptyLog([]),
      log([0, "TASK_LEASED", "load"], [3_000, "TASK_FAILED", "load"], [3_000, "RUN_FAILED"]),
    );
    expect(text(runPage({ run: failed, tasks, log: ended }, options))).toMatchInlineSnapshot(`
      "
      ✗ etl  r0mwuqv8s6refcltn88qhn  failed
        task "load" failed
        version 135838ed36e2ff7bd517 · started 5s ago, 2026-11-24 11:59:55 · took 3.0s

      TASK    STATE      HOST    TRY  SLOT HELD
      load    ✗ failed   host-a    3      800ms  TypeError: the column "day" is missi…
      report  - skipped                          a task before it failed
      other   - skipped                          a trigger rule did not hold

        load  ████████████████████████████████████████████████████████████████████████
              ╵0          ╵500ms      ╵1.0s       ╵1.5s       ╵2.0s       ╵2.5s
        █ holds a slot   ░ deferred: waits without one   ╌ waits for a slot to go on

      ✗ load failed
          TypeError: the column "day" is missing
          in line 3
          at load (etl.js:3:1)
          at run (host.js:9:9)

      CONTEXT
      n        3
      big      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      "
    `);
  });

  it("of many tasks has those that say most", () => {
    const tasks = Array.from({ length: 1_000 }, (_, n) => task(`t${n}`, { state: n === 700 ? "FAILED" : "SUCCEEDED" }));
    const lines = text(runPage({ run: run(), tasks, log: emptyLog([]) }, { ...options, rows: 3 })).split("\n");
    expect(lines.filter((line) => /^t\d/.test(line)).map((line) => line.split(" ")[0])).toEqual(["t0", "t1", "t700"]);
    expect(lines).toContain("and 997 more: 999 succeeded, 1 failed; --all shows them");
  });

  it.each([60, 80, 120])("fits %d columns", (width) => {
    const lines = runPage({ run: run(), tasks: GOING, log: LOG }, { ...options, width });
    for (const line of lines) expect(lineColumns(line)).toBeLessThanOrEqual(width);
  });
});

describe("the frame of a run", () => {
  it("has its tasks, and the time line where there is room", () => {
    expect(text(liveRun(run(), LOG, { width: 80, height: 24, now: NOW }))).toMatchInlineSnapshot(`
      "
      ● etl  r0mwuqv8s6refcltn88qhn  running  4.0s

      TASK           STATE        HOST
      fetch          ✓ succeeded  host-a
      wait_for_file  ◌ deferred   host-a  waits for numbers.txt, 2.8s
      load           ↻ retrying   host-a  again in 3s, after no column
      report         · waiting

        fetch          ████████████████
        wait_for_file                  ███░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        load                              █████████████
                       ╵0              ╵1.0s           ╵2.0s          ╵3.0s
        █ holds a slot   ░ deferred: waits without one   ╌ waits for a slot to go on
      "
    `);
  });

  it("never has more lines than there are rows", () => {
    const many = withEvents(emptyLog(Array.from({ length: 300 }, (_, n) => `t${n}`)), EVENTS);
    for (const height of [8, 12, 24, 50]) {
      const frame = liveRun(run(), many, { width: 80, height, now: NOW });
      expect(frame.length).toBeLessThan(height);
      expect(text(frame)).toContain("load");
    }
  });
});

describe("a line of the log", () => {
  it("says what, to which task, where, and what became of the slot", () => {
    const lines = EVENTS.map((event) => paint(eventLine(event, false), 999, false).replace(/^[\d:.]+/, "…"));
    expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
      "
      …  run started
      …  task ready        fetch  host-a
      …  task leased       fetch  host-a  +1 slot
      …  task succeeded    fetch  host-a  -1 slot
      …  task leased       wait_for_file  host-a  +1 slot
      …  task deferred     wait_for_file  host-a  -1 slot  numbers.txt
      …  task leased       load  host-a  +1 slot
      …  task retrying     load  host-a  -1 slot  TypeError: no column  again in 5s
      "
    `);
  });

  it("names the run where there are many", () => {
    const [first] = EVENTS;
    expect(first === undefined ? "" : paint(eventLine(first, true), 999, false)).toMatch(
      / r0mwuqv8s6refcltn88qhn {2}etl {2}run started$/,
    );
  });
});

describe("the page of a scheduler", () => {
  const none = { count: 0, isMore: false };
  const empty: SchedulerStatus = {
    address: "localhost:7233",
    namespace: "default",
    runs: { PENDING: none, RUNNING: none, PAUSED: none, SUCCEEDED: none, FAILED: none, CANCELLED: none },
    newest: {},
    hosts: [],
    workflows: [],
    tasks: {},
    runsLeftOut: 0,
  };
  const busy: SchedulerStatus = {
    ...empty,
    runs: { ...empty.runs, PENDING: { count: 1, isMore: false }, SUCCEEDED: { count: 10_000, isMore: true } },
    newest: { PENDING: run({ status: "PENDING" }), FAILED: run({ status: "FAILED", runId: "r0failed" }) },
    hosts: [host(), host({ hostId: "host-b", isDraining: true, isConnected: false })],
    workflows: [workflow({ isPaused: true }), workflow({ name: "hello" })],
    tasks: { READY: 3, RECLAIMING: 1, WAITING: 7 },
    runsLeftOut: 12,
  };

  it("of one that has nothing", () => {
    expect(text(statusPage(empty))).toMatchInlineSnapshot(`
      "
      ● scheduler at localhost:7233   namespace default

        runs       none yet
        hosts      none is connected
        slots      0 of 0 held · 0 deferred without one
        waiting    nothing
        workflows  0 registered
      "
    `);
  });

  it("of one that is busy", () => {
    expect(text(statusPage(busy))).toMatchInlineSnapshot(`
      "
      ● scheduler at localhost:7233   namespace default

        runs       1 pending · 10,000+ succeeded
        hosts      2 alive · 1 draining · 1 away
        slots      4 of 8 held · 2 deferred without one
        waiting    3 ready · 1 to go on · 7 behind others · not looked at: 12 runs
        workflows  2 registered · 1 paused
      "
    `);
    for (const line of statusPage(busy)) expect(lineColumns(line)).toBeLessThanOrEqual(80);
  });

  it("proposes three commands that fit", () => {
    const commands = (status: SchedulerStatus): string[] => proposals(status).map(({ command }) => command);
    expect(commands(empty)).toEqual(["cloaca workflows", "cloaca runs", "cloaca watch"]);
    expect(commands(busy)).toEqual([
      "cloaca explain r0mwuqv8s6refcltn88qhn",
      "cloaca resume --workflow etl",
      "cloaca show r0failed",
    ]);
    const idle = { ...empty, workflows: [workflow()], hosts: [host()] };
    expect(commands(idle)).toEqual(["cloaca run etl", "cloaca hosts", "cloaca runs"]);
  });
});
