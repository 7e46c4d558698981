/** What the hosts of a process have seen. */
export interface HostTally {
  leases: number;
  /** Tasks whose slot is free now. */
  deferred: number;
  /** Receipts that were not plainly APPLIED. */
  refused: number;
  /** From the call of StartRun to the lease, in milliseconds. */
  startLatencies: number[];
  /** From the condition's coming true to the slot, in milliseconds. */
  resumeLatencies: number[];
  /** Whatever must not happen: broken streams, cancelled or revoked leases. */
  broken: string[];
}

export function emptyTally(): HostTally {
  return { leases: 0, deferred: 0, refused: 0, startLatencies: [], resumeLatencies: [], broken: [] };
}
