/** What the bench and a host process say to each other. */
import type { HostTally } from "./tally.js";

export interface HostProcessOptions {
  readonly address: string;
  /** Hosts in the process, each with a connection of its own. */
  readonly hosts: number;
  /** Slots of each. */
  readonly slots: number;
  readonly workflows: readonly string[];
}

export type ToHost = { readonly type: "tally" } | { readonly type: "resume"; readonly count: number };

export type FromHost =
  | { readonly type: "connected"; readonly connectMs: number }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "tally"; readonly tally: HostTally };
