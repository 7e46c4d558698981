// Writes docs/STATE_MACHINE.md from the tables in core. Run by gen.mjs: tsx scripts/state-machine.ts <file>
import { writeFileSync } from "node:fs";
import type { RunEventType, RunStatus, TaskRunState } from "../server/src/core/model.js";
import { RUN_TRANSITIONS } from "../server/src/core/run-states.js";
import { isTerminal } from "../server/src/core/task-run.js";
import { type TaskInputType, TRANSITIONS } from "../server/src/core/task-table.js";

const STATES: Readonly<Record<TaskRunState, string>> = {
  WAITING: "some of its dependencies have not ended",
  READY: "waits for a host with its code and a free slot",
  LEASED: "a host executes it, and it holds a slot of that host",
  DEFERRED: "its host polls a condition, and it holds no slot",
  RECLAIMING: "the wait is over, and it waits for a slot of its host",
  RETRYING: "an attempt failed, and it waits for the time of the next",
  SUCCEEDED: "its result was accepted",
  FAILED: "the last attempt failed, or a failure was final",
  CANCELLED: "its run was cancelled, or timed out",
  SKIPPED: "its trigger rule did not hold, or something before it failed",
};

const INPUTS: Readonly<Record<TaskInputType, string>> = {
  ready: "all dependencies have ended, and the trigger rule holds",
  skip: "all dependencies have ended, and the trigger rule does not hold",
  refuse: "its input is over the limit (P10)",
  lease: "a host gets it",
  defer: "`DeferUntil` of its host",
  reclaim: "`Reclaim` of its host, or the longest wait is over",
  grant: "its host has a slot for it again",
  checkpoint: "`Checkpoint` of its host",
  complete: "`Complete` of its host",
  fail: "`Fail` of its host",
  timeout: "the attempt has held its slot for longer than its timeout",
  retry: "the delay before the next attempt is over",
  reset: "its run is retried, and it failed or comes after what did",
  decline: "`Decline` of its host",
  lose: "its host was lost (P5)",
  cancel: "its run is cancelled, or is over its deadline",
};

const STATUSES: Readonly<Record<RunStatus, string>> = {
  PENDING: "none of its tasks has been leased",
  RUNNING: "it goes on",
  PAUSED: "nothing of it is leased; what has begun goes on",
  SUCCEEDED: "all tasks have ended, and every failure was handled",
  FAILED: "all tasks have ended, and a failure was not handled",
  CANCELLED: "somebody cancelled it, or it was over its deadline",
};

const RUN_EVENTS: Readonly<Partial<Record<RunEventType, string>>> = {
  TASK_LEASED: "its first task is leased",
  RUN_PAUSED: "`PauseRun`",
  RUN_RESUMED: "`ResumeRun`",
  RUN_SUCCEEDED: "its last task has ended",
  RUN_FAILED: "its last task has ended",
  RUN_CANCELLED: "`CancelRun`, or its deadline",
  RUN_RETRIED: "`RetryRun`",
};

interface Move {
  readonly from: string;
  readonly by: string;
  readonly to: string;
}

const taskMoves: Move[] = Object.entries(TRANSITIONS).flatMap(([from, inputs]) =>
  Object.entries(inputs).flatMap(([by, { to }]) => to.map((state) => ({ from, by, to: state }))),
);

const runMoves: Move[] = Object.entries(RUN_TRANSITIONS).flatMap(([from, events]) =>
  Object.entries(events).flatMap(([event, to]) =>
    to.map((status) => ({ from, by: event.replace(/^RUN_/, "").toLowerCase(), to: status })),
  ),
);

/** A picture; what does the same between two states shares an arrow, and what changes no state has none. */
function picture(first: string, moves: readonly Move[], ends: readonly string[]): string {
  const arrows = new Map<string, string[]>();
  for (const { from, by, to } of moves) {
    if (from === to) continue;
    const arrow = `${from} --> ${to}`;
    arrows.set(arrow, [...(arrows.get(arrow) ?? []), by]);
  }
  const lines = [...arrows].map(([arrow, by]) => `  ${arrow}: ${by.join(", ")}`);
  return fenced("mermaid", [
    "stateDiagram-v2",
    `  [*] --> ${first}`,
    ...lines,
    ...ends.map((state) => `  ${state} --> [*]`),
  ]);
}

function fenced(language: string, lines: readonly string[]): string {
  return `\`\`\`${language}\n${lines.join("\n")}\n\`\`\``;
}

/** As the formatter writes tables: every column as wide as its widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, n) => Math.max(name.length, ...rows.map((cells) => cells[n]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const taskRows = Object.entries(TRANSITIONS).flatMap(([from, inputs]) =>
  Object.entries(inputs).map(([input, { to, event, slot, fences }]) => [
    from,
    `\`${input}\``,
    to.join(" or "),
    `\`${event}\``,
    slot === 0 ? "" : slot > 0 ? "+1" : "−1",
    fences ? "yes" : "",
  ]),
);

const runRows = Object.entries(RUN_TRANSITIONS).flatMap(([from, events]) =>
  Object.entries(events).map(([event, to]) => {
    const why = RUN_EVENTS[event as RunEventType];
    if (why === undefined) throw new Error(`scripts/state-machine.ts does not say what ${event} means`);
    return [from, why, to.join(" or "), `\`${event}\``];
  }),
);

const page = `<!-- Generated by scripts/state-machine.ts from server/src/core: \`npm run gen\` writes it. -->

# States

Everything that happens to a task of a run goes through one table, and everything that happens is one event of the run's log. An
input that a state does not list changes nothing there.

## A task in a run

${picture(
  "WAITING",
  taskMoves.filter(({ by }) => by !== "reset"),
  Object.keys(STATES).filter((state) => isTerminal(state as TaskRunState)),
)}

Left out of the picture: when a failed run is retried, the tasks that failed, and those after them, are WAITING again (\`reset\`).

${table(
  ["state", "meaning"],
  Object.entries(STATES).map(([state, meaning]) => [state, meaning]),
)}

${table(
  ["input", "when"],
  Object.entries(INPUTS).map(([input, meaning]) => [`\`${input}\``, meaning]),
)}

The slot column says how the host's held slots change. A fenced lease ends at once for the scheduler, but holds its slot until its
host has stopped the code: \`LEASE_ENDED\` frees it. Where a state has two results, the log says which: \`fail\` and \`timeout\` log
\`TASK_RETRYING\` when another attempt follows, \`lose\` logs \`TASK_FAILED\` when hosts were lost too often.

${table(["state", "input", "state after", "event", "slot", "fenced"], taskRows)}

## A run

${picture("PENDING", runMoves, ["SUCCEEDED", "FAILED", "CANCELLED"])}

${table(
  ["status", "meaning"],
  Object.entries(STATUSES).map(([status, meaning]) => [status, meaning]),
)}

${table(["status", "when", "status after", "event"], runRows)}
`;

const [, , file] = process.argv;
if (file === undefined) throw new Error("usage: tsx scripts/state-machine.ts <file>");
writeFileSync(file, page);
