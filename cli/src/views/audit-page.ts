/** What an audit has found, for people. */
import type { AuditReport } from "@cloaca/server/audit";
import { type Line, type Span, wrap } from "../terminal/line.js";
import { moment } from "../terminal/time.js";

export function auditPage(source: string, report: AuditReport, width: number): Line[] {
  const { breachCount, breaches } = report;
  const isRight = breachCount === 0;
  const verdict: Span = isRight
    ? ["✓ the books are right", "green"]
    : [`✗ ${counted(breachCount, "breach", "breaches")}`, "red"];
  const left = breachCount - breaches.length;
  return [
    [verdict, [`   ${source}`, "dim"]],
    ["  ", [facts(report), "dim"]],
    ...purged(report),
    ...notes(report).map((note): Line => ["  ", [note, "yellow"]]),
    ...breaches.flatMap((breach) => breachLines(breach, width)),
    ...(left === 0
      ? []
      : [[], [[`and ${left.toLocaleString("en")} more; --limit says how many are shown`, "dim"]] as Line]),
  ];
}

function facts({ runs, events, leases, liveRuns, heldSlots }: AuditReport): string {
  return [
    counted(runs, "run"),
    counted(events, "event"),
    counted(leases, "lease"),
    `${counted(liveRuns, "run")} ${liveRuns === 1 ? "goes" : "go"} on and ${liveRuns === 1 ? "holds" : "hold"} ${counted(heldSlots, "slot")}`,
  ].join(" · ");
}

function purged({ purgedRuns }: AuditReport): Line[] {
  if (purgedRuns === null || purgedRuns === 0) return [];
  return [["  ", [`${counted(purgedRuns, "run")} ${purgedRuns === 1 ? "was" : "were"} purged before`, "dim"]]];
}

function notes({ unknownSlots, isCut }: AuditReport): string[] {
  return [
    ...(unknownSlots === 0
      ? []
      : [
          `${counted(unknownSlots, "slot")} taken where the log does not say how many there were: an older scheduler wrote it`,
        ]),
    ...(isCut ? ["runs were purged while the log was read: what sessions hold was not checked"] : []),
  ];
}

function breachLines(breach: AuditReport["breaches"][number], width: number): Line[] {
  const { kind, runId, eventSeq, at, task, found, right } = breach;
  const place: Span[] = [
    ...(runId === "" ? [] : [`  run ${runId}`]),
    ...(eventSeq === 0 ? [] : [`  event ${eventSeq}`]),
    ...(task === "" ? [] : [`  task "${task}"`]),
    ...(at === 0 ? [] : [[`  ${moment(new Date(at))}`, "dim"] as Span]),
  ];
  const below = (title: string, text: string): Line[] =>
    wrap(text, width - 11).map((line, index): Line => ["    ", [index === 0 ? title : "     ", "dim"], "  ", line]);
  return [[], [["✗ ", "red"], [kind, "bold"], ...place], ...below("found", found), ...below("right", right)];
}

function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}
