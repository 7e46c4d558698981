/** Ids that a seed decides: the same calls in the same order give the same ids. For simulations; anybody can guess them. */
import { createHash } from "node:crypto";
import type { Ids } from "./core/ports.js";

export function seededIds(seed: string): Ids {
  let count = 0;
  const next = (kind: string): string =>
    createHash("sha256").update(`${seed}\n${kind}\n${++count}`).digest("hex").slice(0, 12);
  return {
    // As in real ones, time comes first, so that ids sort by it.
    runId: (now) => `r${Math.floor(now).toString(36).padStart(9, "0")}${next("run")}`,
    sessionId: () => `s${next("session")}`,
    secret: () => next("secret"),
  };
}
