/** How a scheduler is, and what to do next. */
import type { HostInfo, RunInfo, WorkflowInfo } from "@cloaca/sdk/client";
import type { Hint } from "../command-error.js";
import type { Line, Span, Style } from "../terminal/line.js";
import { RUN_STATUSES, runLook } from "./look.js";

/** A number of runs; there may be more than were counted. */
export interface Count {
  readonly count: number;
  readonly isMore: boolean;
}

export interface SchedulerStatus {
  readonly address: string;
  readonly namespace: string;
  readonly runs: Readonly<Record<(typeof RUN_STATUSES)[number], Count>>;
  /** The newest run of each status. */
  readonly newest: Readonly<Partial<Record<(typeof RUN_STATUSES)[number], RunInfo>>>;
  readonly hosts: readonly HostInfo[];
  readonly workflows: readonly WorkflowInfo[];
  /** Tasks of the runs that go on, by state. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Runs that go on and that `tasks` leaves out. */
  readonly runsLeftOut: number;
}

export function statusPage(status: SchedulerStatus): Line[] {
  const { address, namespace, runs, hosts, workflows } = status;
  const names = new Set(workflows.map(({ name }) => name));
  const paused = new Set(workflows.filter(({ isPaused }) => isPaused).map(({ name }) => name));
  return [
    [["● ", "green"], ["scheduler", "bold"], ` at ${address}`, [`   namespace ${namespace}`, "dim"]],
    [],
    row("runs", runFacts(runs)),
    row("hosts", hostFacts(hosts)),
    row("slots", slotFacts(hosts)),
    row("waiting", waitingFacts(status)),
    row("workflows", [
      `${names.size} registered`,
      ...(paused.size > 0 ? [[`${paused.size} paused`, "magenta"] as Span] : []),
    ]),
  ];
}

function row(title: string, facts: readonly Span[]): Line {
  return [
    `  `,
    [title.padEnd(11), "dim"],
    ...facts.flatMap((fact, at): Span[] => (at === 0 ? [fact] : [[" · ", "dim"], fact])),
  ];
}

function runFacts(runs: SchedulerStatus["runs"]): Span[] {
  const facts = RUN_STATUSES.filter((state) => runs[state].count > 0).map((state): Span => {
    const { count, isMore } = runs[state];
    const { word, style } = runLook(state);
    return [`${count.toLocaleString("en")}${isMore ? "+" : ""} ${word}`, style];
  });
  return facts.length === 0 ? [["none yet", "dim"]] : facts;
}

function hostFacts(hosts: readonly HostInfo[]): Span[] {
  if (hosts.length === 0) return [["none is connected", "yellow"]];
  const away = hosts.filter(({ isConnected }) => !isConnected).length;
  const draining = hosts.filter(({ isDraining }) => isDraining).length;
  return [
    `${hosts.length} alive`,
    ...(draining > 0 ? [[`${draining} draining`, "yellow"] as Span] : []),
    ...(away > 0 ? [[`${away} away`, "red"] as Span] : []),
  ];
}

function slotFacts(hosts: readonly HostInfo[]): Span[] {
  const sum = (of: (host: HostInfo) => number): number => hosts.reduce((total, host) => total + of(host), 0);
  const [held, slots, deferred] = [sum((h) => h.held), sum((h) => h.slots), sum((h) => h.deferred)];
  return [`${held} of ${slots} held`, [`${deferred} deferred without one`, deferred > 0 ? "yellow" : "dim"]];
}

/** Tasks that could go on, and do not yet. */
const WAITING: readonly (readonly [state: string, word: string, style: Style])[] = [
  ["READY", "ready", "blue"],
  ["RECLAIMING", "to go on", "yellow"],
  ["RETRYING", "to retry", "magenta"],
  ["WAITING", "behind others", "dim"],
];

function waitingFacts({ tasks, runsLeftOut }: SchedulerStatus): Span[] {
  const facts = WAITING.flatMap(([state, word, style]): Span[] => {
    const count = tasks[state] ?? 0;
    return count === 0 ? [] : [[`${count} ${word}`, style]];
  });
  const left: Span[] = runsLeftOut === 0 ? [] : [[`not looked at: ${runsLeftOut} runs`, "dim"]];
  return facts.length + left.length === 0 ? [["nothing", "dim"]] : [...facts, ...left];
}

const PROPOSALS = 3;

/** The three commands that make most sense as things stand. */
export function proposals({ newest, hosts, workflows, tasks }: SchedulerStatus): Hint[] {
  const hints: Hint[] = [];
  const { RUNNING, PENDING, PAUSED, FAILED } = newest;
  const [workflow] = workflows.filter(({ isCurrent }) => isCurrent);
  const paused = workflows.find(({ isPaused }) => isPaused);
  const isStuck = PENDING !== undefined && (tasks["READY"] ?? 0) > 0;
  if (isStuck) hints.push({ what: "why it does not start", command: `cloaca explain ${PENDING.runId}` });
  if (RUNNING !== undefined)
    hints.push({ what: "follow the newest running run", command: `cloaca watch ${RUNNING.runId}` });
  if (PAUSED !== undefined) hints.push({ what: "let the paused run go on", command: `cloaca resume ${PAUSED.runId}` });
  if (paused !== undefined) {
    hints.push({ what: "let the paused workflow go on", command: `cloaca resume --workflow ${paused.name}` });
  }
  if (FAILED !== undefined)
    hints.push({ what: "see why the newest failed run did", command: `cloaca show ${FAILED.runId}` });
  if (workflow !== undefined) hints.push({ what: "start a run", command: `cloaca run ${workflow.name}` });
  if (workflow === undefined)
    hints.push({ what: "see what hosts have registered: nothing yet", command: "cloaca workflows" });
  if (hosts.length > 0) hints.push({ what: "see the hosts and their slots", command: "cloaca hosts" });
  hints.push({ what: "see the newest runs", command: "cloaca runs" });
  hints.push({ what: "see all that happens", command: "cloaca watch" });
  hints.push({ what: "see all commands", command: "cloaca --help" });
  return hints.slice(0, PROPOSALS);
}
