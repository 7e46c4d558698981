/** What `cloaca audit --json` prints; stable like the shapes of all commands. */
import type { AuditReport } from "@cloaca/server/audit";
import type { JsonValue } from "./raw-json.js";

export function auditJson(source: string, report: AuditReport): { readonly [key: string]: JsonValue } {
  return {
    ok: report.breachCount === 0,
    source,
    runs: report.runs,
    events: report.events,
    leases: report.leases,
    liveRuns: report.liveRuns,
    heldSlots: report.heldSlots,
    unknownSlots: report.unknownSlots,
    cut: report.isCut,
    purgedRuns: report.purgedRuns,
    breachCount: report.breachCount,
    breaches: report.breaches.map((breach) => ({
      kind: breach.kind,
      namespace: breach.namespace,
      runId: breach.runId,
      eventSeq: breach.eventSeq,
      at: breach.at === 0 ? null : new Date(breach.at),
      task: breach.task,
      leaseId: breach.leaseId,
      sessionId: breach.sessionId,
      found: breach.found,
      right: breach.right,
    })),
  };
}
