import type { AuditReport } from "@cloaca/server/audit";
import { describe, expect, it } from "vitest";
import { spanText } from "../terminal/line.js";
import { auditPage } from "./audit-page.js";

const REPORT: AuditReport = {
  runs: 63,
  events: 1_016,
  leases: 143,
  liveRuns: 1,
  heldSlots: 2,
  unknownSlots: 0,
  breaches: [],
  breachCount: 0,
  isCut: false,
  purgedRuns: null,
};

const BREACH = {
  kind: "LEASE_SLOTS",
  namespace: "default",
  runId: "r1",
  eventSeq: 9,
  at: Date.UTC(2026, 10, 24, 12),
  task: "load",
  leaseId: "r1.0.1",
  sessionId: "s1",
  found: "TASK_SUCCEEDED of lease r1.0.1 changes held slots by 0",
  right: "-1: a lease holds 1 slot while LEASED, else 0",
} as const;

const page = (report: AuditReport, width = 60): string =>
  `\n${auditPage("runs.db", report, width)
    .map((line) => line.map(spanText).join(""))
    .join("\n")}\n`;

describe("the page of an audit", () => {
  it("of books that are right", () => {
    expect(page(REPORT)).toMatchInlineSnapshot(`
      "
      ✓ the books are right   runs.db
        63 runs · 1,016 events · 143 leases · 1 run goes on and holds 2 slots
      "
    `);
  });

  it("of books of which a part was purged", () => {
    expect(page({ ...REPORT, purgedRuns: 1_200 })).toMatchInlineSnapshot(`
      "
      ✓ the books are right   runs.db
        63 runs · 1,016 events · 143 leases · 1 run goes on and holds 2 slots
        1,200 runs were purged before
      "
    `);
    expect(page({ ...REPORT, purgedRuns: 1 })).toContain("1 run was purged before");
    expect(page({ ...REPORT, purgedRuns: 0 })).toBe(page(REPORT));
  });

  it("of books that are wrong, with what the audit could not see", () => {
    const nowhere = { runId: "", eventSeq: 0, at: 0, task: "", leaseId: "" };
    const breaches = [BREACH, { ...BREACH, ...nowhere, kind: "BOOKS" as const, found: "2 rows", right: "none" }];
    expect(page({ ...REPORT, breaches, breachCount: 5, unknownSlots: 3, isCut: true })).toMatchInlineSnapshot(`
      "
      ✗ 5 breaches   runs.db
        63 runs · 1,016 events · 143 leases · 1 run goes on and holds 2 slots
        3 slots taken where the log does not say how many there were: an older scheduler wrote it
        runs were purged while the log was read: what sessions hold was not checked

      ✗ LEASE_SLOTS  run r1  event 9  task "load"  2026-11-24 12:00:00
          found  TASK_SUCCEEDED of lease r1.0.1 changes held slots
                 by 0
          right  -1: a lease holds 1 slot while LEASED, else 0

      ✗ BOOKS
          found  2 rows
          right  none

      and 3 more; --limit says how many are shown
      "
    `);
  });
});
