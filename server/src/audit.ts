/** The slot ledger: replays the log of a store, and checks the books that follow from it. */
import { type AuditOptions, type AuditReport, auditLog } from "./audit/audit-log.js";
import { explain } from "./store/sqlite/open-database.js";
import { StoredLog } from "./store/sqlite/stored-log.js";

export type { AuditOptions, AuditReport, AuditSource } from "./audit/audit-log.js";
export { auditLog } from "./audit/audit-log.js";
export type { AuditGraph, AuditTask } from "./core/audit/audit-graph.js";
export type { Breach, BreachKind } from "./core/audit/breach.js";
export type { AuditChunk, AuditSummary } from "./core/audit/log-audit.js";
export { CloacaError } from "./core/errors.js";
export type { RunEvent, RunEventType } from "./core/model.js";

/**
 * Audits a store's file, or a copy of one: the log, and what the store says now. The file is opened for reading alone; no lock is
 * taken, nothing is migrated. Throws CloacaError: STORE_NOT_A_DATABASE, STORE_NEWER, STORE_UNAVAILABLE.
 */
export async function auditFile(path: string, options: AuditOptions): Promise<AuditReport> {
  const log = new StoredLog(path);
  try {
    return await auditLog({ pages: () => log.pages(), history: (chunk) => log.history(chunk), books: log }, options);
  } catch (error) {
    throw explain(error, path);
  } finally {
    log.close();
  }
}
