/** How `Hello` and `Welcome` name the state of a lease. */
import type { Given } from "../stage/stage.js";

export const STATE = {
  held: 1,
  deferring: 2,
  deferred: 3,
  reclaiming: 4,
  finished: 5,
  ending: 6,
  revoked: 7,
} as const;

type Listed = readonly { readonly leaseId: string; readonly state: number; readonly deferral: number }[];

/** Of a lease, what a Hello says: its state and its deferral. */
export function listed(leases: Listed, { id }: Given): readonly number[] | null {
  const found = leases.find(({ leaseId }) => leaseId === id);
  return found === undefined ? null : [found.state, found.deferral];
}
