import { describe, expect, it } from "vitest";
import { lineColumns, paint } from "../terminal/line.js";
import { ago, host, NOW, run, workflow } from "../testing/fixtures.js";
import { explanationTable, hostsTable, runsTable, type TableOptions, workflowsTable } from "./tables.js";

type Lines = ReturnType<typeof runsTable>;

const text = (lines: Lines): string => `\n${lines.map((line) => paint(line, 999, false)).join("\n")}\n`;
const at = (width: number): TableOptions => ({ width, now: NOW });

const RUNS = [
  run({ runId: "r0mwuqv8s6refcltn88qhn", status: "PENDING", startedAt: null, createdAt: ago(200), priority: 5 }),
  run({ runId: "r0mwuqv8s6refcltn88qhm", labels: { team: "data", nightly: "yes" } }),
  run({
    runId: "r0mwuqv8s6refcltn88qhl",
    workflow: "a_workflow_with_a_long_name",
    status: "FAILED",
    createdAt: ago(7_200_000),
    startedAt: ago(7_199_000),
    finishedAt: ago(7_000_000),
    reason: 'task "load" failed: the column is missing',
  }),
  run({ runId: "r0mwuqv8s6refcltn88qhk", status: "PAUSED", createdAt: ago(90_000_000), startedAt: ago(300_000) }),
];

describe("runs", () => {
  it("fit 120 columns", () => {
    expect(text(runsTable(RUNS, at(120)))).toMatchInlineSnapshot(`
      "
      RUN                     STATUS     WORKFLOW                AGE    TOOK  PRIORITY  LABELS              REASON
      r0mwuqv8s6refcltn88qhn  ○ pending  etl                     now          5
      r0mwuqv8s6refcltn88qhm  ● running  etl                  5s ago    4.0s            team=data nightly…
      r0mwuqv8s6refcltn88qhl  ✗ failed   a_workflow_with_a…   2h ago  3m 19s                                task "load" faile…
      r0mwuqv8s6refcltn88qhk  ‖ paused   etl                 25h ago  5m 00s
      "
    `);
  });

  it("fit 80 columns", () => {
    expect(text(runsTable(RUNS, at(80)))).toMatchInlineSnapshot(`
      "
      RUN                     STATUS     WORKFLOW           AGE    TOOK  REASON
      r0mwuqv8s6refcltn88qhn  ○ pending  etl                now
      r0mwuqv8s6refcltn88qhm  ● running  etl             5s ago    4.0s
      r0mwuqv8s6refcltn88qhl  ✗ failed   a_workflow_w…   2h ago  3m 19s  task "load" …
      r0mwuqv8s6refcltn88qhk  ‖ paused   etl            25h ago  5m 00s
      "
    `);
  });

  it("fit 60 columns", () => {
    expect(text(runsTable(RUNS, at(60)))).toMatchInlineSnapshot(`
      "
      RUN                     STATUS     WORKFLOW      AGE    TOOK
      r0mwuqv8s6refcltn88qhn  ○ pending  etl           now
      r0mwuqv8s6refcltn88qhm  ● running  etl        5s ago    4.0s
      r0mwuqv8s6refcltn88qhl  ✗ failed   a_workf…   2h ago  3m 19s
      r0mwuqv8s6refcltn88qhk  ‖ paused   etl       25h ago  5m 00s
      "
    `);
  });

  it("fit 40 columns", () => {
    expect(text(runsTable(RUNS, at(40)))).toMatchInlineSnapshot(`
      "
      RUN                     STATUS   WORKFL…
      r0mwuqv8s6refcltn88qhn  ○ pend…  etl
      r0mwuqv8s6refcltn88qhm  ● runn…  etl
      r0mwuqv8s6refcltn88qhl  ✗ fail…  a_work…
      r0mwuqv8s6refcltn88qhk  ‖ paus…  etl
      "
    `);
  });

  it("have colours for their statuses alone", () => {
    const [titles = [], pending = []] = runsTable(RUNS, at(60));
    expect(paint(titles, 60, true)).toContain("\x1b[2mRUN");
    expect(paint(pending, 60, true)).toContain("r0mwuqv8s6refcltn88qhn  \x1b[2m○ pending");
  });
});

const HOSTS = [
  host(),
  host({ hostId: "host-b", isDraining: true, slots: 32, held: 31, lastHeardMs: 300, labels: { zone: "west" } }),
  host({ hostId: "host-c", isConnected: false, slots: 1, held: 0, deferred: 0, lastHeardMs: 14_000, buildId: "4f2a" }),
];

describe("hosts", () => {
  it("fit 120 columns", () => {
    expect(text(hostsTable(HOSTS, at(120)))).toMatchInlineSnapshot(`
      "
      HOST    STATE        SLOTS           DEFERRED    HEARD  LAG  SDK                           BUILD  LABELS
      host-a  ● connected  ■■□□ 2/4               1   1s ago  3ms  cloaca-ts/0.1.0 (typescript)
      host-b  ◐ draining   ■■■■■■■■ 31/32         1      now  3ms  cloaca-ts/0.1.0 (typescript)         zone=west
      host-c  ○ away       □ 0/1                  0  14s ago  3ms  cloaca-ts/0.1.0 (typescript)  4f2a
      "
    `);
  });

  it("fit 60 columns", () => {
    expect(text(hostsTable(HOSTS, at(60)))).toMatchInlineSnapshot(`
      "
      HOST    STATE        SLOTS           DEFERRED    HEARD  LAG
      host-a  ● connected  ■■□□ 2/4               1   1s ago  3ms
      host-b  ◐ draining   ■■■■■■■■ 31/32         1      now  3ms
      host-c  ○ away       □ 0/1                  0  14s ago  3ms
      "
    `);
  });
});

const WORKFLOWS = [
  workflow({ isPromoted: true, isPaused: true }),
  workflow({ version: "2db542e19fd6f8c28896", isCurrent: false, isPaused: true, registeredAt: ago(100) }),
  workflow({ name: "hello", taskCount: 2 }),
];

describe("workflows", () => {
  it("fit 80 columns", () => {
    expect(text(workflowsTable(WORKFLOWS, at(80)))).toMatchInlineSnapshot(`
      "
      WORKFLOW  VERSION               NEW RUNS    TASKS  REGISTERED
      etl       135838ed36e2ff7bd517  ● promoted      5      1h ago  ‖ paused
      etl       2db542e19fd6f8c28896  -               5         now  ‖ paused
      hello     135838ed36e2ff7bd517  ● current       2      1h ago
      "
    `);
  });

  it("fit 60 columns", () => {
    expect(text(workflowsTable(WORKFLOWS, at(60)))).toMatchInlineSnapshot(`
      "
      WORKFLOW  VERSION               NEW RUNS    TASKS
      etl       135838ed36e2ff7bd517  ● promoted      5  ‖ paused
      etl       2db542e19fd6f8c28896  -               5  ‖ paused
      hello     135838ed36e2ff7bd517  ● current       2
      "
    `);
  });

  it("fit 40 columns", () => {
    expect(text(workflowsTable(WORKFLOWS, at(40)))).toMatchInlineSnapshot(`
      "
      WORKFLOW  VERSION    NEW RUNS
      etl       135838ed…  ● promot…  ‖ paused
      etl       2db542e1…  -          ‖ paused
      hello     135838ed…  ● current
      "
    `);
  });
});

describe("explanations", () => {
  const plain = { waitingForTasks: [], hosts: [], until: null };
  const explanation = {
    status: "RUNNING" as const,
    leftOut: 0,
    tasks: [
      {
        ...plain,
        task: "load",
        state: "READY" as const,
        reason: "NO_HOST" as const,
        message: 'no host that is alive has code for task "load" of workflow "etl"',
      },
      {
        ...plain,
        task: "again",
        state: "RETRYING" as const,
        reason: "RETRY_DELAY" as const,
        message: "attempt 2 begins in 42 s",
        until: new Date(NOW + 42_000),
      },
    ],
  };

  it("stand on one line each where there is room", () => {
    expect(text(explanationTable(explanation, at(120)))).toMatchInlineSnapshot(`
      "
      TASK   STATE       WAITS FOR    GOES ON  WHY
      load   ○ ready     no host               no host that is alive has code for task "load" of workflow "etl"
      again  ↻ retrying  retry delay  in 42s   attempt 2 begins in 42 s
      "
    `);
  });

  it("have their sentences below where there is little, whole", () => {
    expect(text(explanationTable(explanation, at(60)))).toMatchInlineSnapshot(`
      "
      TASK   STATE       WAITS FOR    GOES ON
      load   ○ ready     no host
          no host that is alive has code for task "load" of
          workflow "etl"
      again  ↻ retrying  retry delay  in 42s
          attempt 2 begins in 42 s
      "
    `);
  });
});

it("no table is wider than the terminal", () => {
  for (const width of [40, 48, 60, 80, 120]) {
    const tables = [runsTable(RUNS, at(width)), hostsTable(HOSTS, at(width)), workflowsTable(WORKFLOWS, at(width))];
    for (const lines of tables) {
      for (const line of lines) expect(lineColumns(line)).toBeLessThanOrEqual(width);
    }
  }
});
