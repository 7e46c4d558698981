/** An execution that ended because its host was lost. */
export interface HostLossInfo {
  readonly hostId: string;
  readonly sessionId: string;
  readonly leaseId: string;
  /** Counted execution that was under way. */
  readonly attempt: number;
  /** When the scheduler took the host for lost. */
  readonly at: Date;
  /** Its code was running; false when it was deferred, or waited for a slot to go on. */
  readonly slotHeld: boolean;
  /** How the host was lost, for people. */
  readonly reason: string;
}
