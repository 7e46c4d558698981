import type { EngineLimits } from "../../server/src/engine/limits.js";
import type { Journal } from "../../server/src/store/live/journal.js";
import type { Store } from "../../server/src/store/store.js";

/** A defect that is put into the scheduler, to see that the simulation finds it. */
export interface Mutation {
  readonly name: string;
  /** What a scheduler is made with. */
  readonly limits?: Partial<EngineLimits>;
  /** When the store believes to be opened. */
  readonly openedAt?: (now: number) => number;
  readonly journal?: (journal: Journal) => Journal;
  readonly store?: (store: Store, limits: EngineLimits) => Store;
  /** Changes code that is shared by all schedulers of the process; returns what takes it back. */
  readonly install?: () => () => void;
}

export const NO_MUTATION: Mutation = { name: "none" };
