/** What the books know of a host's session. */

/** How a lease stands, in `Hello` and in the answer to it (P6). */
export type LeaseState = "HELD" | "DEFERRING" | "DEFERRED" | "RECLAIMING" | "FINISHED" | "ENDING" | "REVOKED";

/** Tasks that a host has code for. */
export interface Implementation {
  readonly workflow: string;
  /** Null means any version (P13). */
  readonly version: string | null;
  /** Null means every task of that version. */
  readonly tasks: readonly string[] | null;
}

/** What a host says of itself. */
export interface SessionSpec {
  readonly namespace: string;
  readonly hostId: string;
  readonly instanceId: string;
  readonly slots: number;
  /** Most leases, held and deferred together; 0 means no limit. */
  readonly maxLeases: number;
  readonly ttlMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly sdk: string;
  readonly buildId: string;
  readonly capabilities: readonly string[];
  readonly implementations: readonly Implementation[];
}

/** P12: the host is to drain. */
export interface DrainRequest {
  /** When it should hand deferred leases back. */
  readonly until: number;
  /** For people. */
  readonly reason: string;
}

export interface SessionRecord {
  readonly id: string;
  readonly resumeToken: string;
  /** Number of its newest connection. */
  readonly generation: number;
  readonly spec: SessionSpec;
  readonly draining: boolean;
  /** Set when the host was asked to drain. It is told again whenever it connects: it may never have heard. */
  readonly drainRequest: DrainRequest | null;
  readonly createdAt: number;
}
