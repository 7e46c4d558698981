/** What can happen to a store, as steps of random histories. */
import fc from "fast-check";
import type { LeaseGrant } from "../../core/grants.js";
import type { LeaseEvent } from "../../core/lease-events.js";
import { PLAIN_FAILURE } from "../../testing/plain-draft.js";
import type { Retention } from "../store.js";
import { TTL_MS } from "./world.js";

export const HOSTS = ["g", "h", "i"];
/** More rows than a history has. */
export const EVERYTHING = 100_000;

export type Step =
  | { readonly type: "host"; readonly host: number; readonly slots: number; readonly another: boolean }
  | { readonly type: "slots"; readonly host: number; readonly slots: number }
  | { readonly type: "drain"; readonly host: number }
  | { readonly type: "start"; readonly workflow: "w" | "x"; readonly priority: number }
  | { readonly type: "cancel" | "pause" | "resume"; readonly run: number }
  | { readonly type: "retry"; readonly run: number; readonly requestId: string }
  | { readonly type: "pause_workflow"; readonly workflow: "w" | "x"; readonly paused: boolean }
  /** Index of the version; none lets the promoted one go. */
  | { readonly type: "promote"; readonly version: number | null }
  | { readonly type: "grant"; readonly limit: number; readonly unreachable: number }
  | { readonly type: "say"; readonly lease: number; readonly event: Said; readonly byHost: number | null }
  | { readonly type: "wait"; readonly ms: number }
  | { readonly type: "forget"; readonly host: number }
  | { readonly type: "leave"; readonly host: number }
  | { readonly type: "purge"; readonly retention: Retention; readonly limit: number }
  | { readonly type: "crash" }
  | { readonly type: "fail"; readonly step: Step };

export type Said =
  | "complete"
  | "fail"
  | "defer"
  | "defer with max_wait"
  | "defer again"
  | "reclaim"
  | "checkpoint"
  | "stopped"
  | "decline"
  | "too large";

const host = fc.nat({ max: HOSTS.length - 1 });
const run = fc.nat({ max: 6 });
const slots = fc.integer({ min: 0, max: 3 });
const said = fc.constantFrom<Said>(
  "complete",
  "complete",
  "fail",
  "fail",
  "defer",
  "defer",
  "defer with max_wait",
  "defer again",
  "reclaim",
  "reclaim",
  "checkpoint",
  "stopped",
  "stopped",
  "decline",
  "too large",
);
const plain: fc.Arbitrary<Step>[] = [
  fc.record({ type: fc.constant("host"), host, slots, another: fc.boolean() }),
  fc.record({ type: fc.constant("slots"), host, slots }),
  fc.record({ type: fc.constant("drain"), host }),
  fc.record({
    type: fc.constant("start"),
    workflow: fc.constantFrom("w", "x"),
    priority: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({ type: fc.constantFrom("cancel", "pause", "resume"), run }),
  fc.record({ type: fc.constant("retry"), run, requestId: fc.constantFrom("", "", "once") }),
  fc.record({ type: fc.constant("pause_workflow"), workflow: fc.constantFrom("w", "x"), paused: fc.boolean() }),
  fc.record({ type: fc.constant("promote"), version: fc.constantFrom(null, 0, 1) }),
  fc.record({ type: fc.constant("wait"), ms: fc.constantFrom(1, 40, 300, TTL_MS / 2, TTL_MS) }),
  fc.record({ type: fc.constant("forget"), host }),
  fc.record({ type: fc.constant("leave"), host }),
  fc.record({ type: fc.constant("crash") }),
];
const purge = fc.record<Step & { type: "purge" }>({
  type: fc.constant("purge"),
  retention: fc.record({ forMs: fc.constantFrom(null, 0, 30), newest: fc.constantFrom(null, 0, 1, 2) }),
  limit: fc.constantFrom(1, 4, EVERYTHING, EVERYTHING),
});
const grant = fc.record<Step & { type: "grant" }>({
  type: fc.constant("grant"),
  limit: fc.constantFrom(1, 2, 100),
  unreachable: fc.nat({ max: HOSTS.length }),
});
const say = fc.record<Step & { type: "say" }>({
  type: fc.constant("say"),
  lease: fc.nat({ max: 8 }),
  event: said,
  byHost: fc.option(host, { freq: 8, nil: null }),
});
const once = fc.oneof(
  { weight: 6, arbitrary: fc.oneof(...plain) },
  { weight: 1, arbitrary: purge },
  { weight: 4, arbitrary: grant },
  { weight: 8, arbitrary: say },
);
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: once },
  { weight: 1, arbitrary: once.map((step): Step => ({ type: "fail", step })) },
);

/** What the host that has the lease says; `deferral` is the number of its next deferral. */
export function leaseEvent(event: Said, { lease, deferral }: { lease: LeaseGrant; deferral: number }): LeaseEvent {
  const { leaseId } = lease;
  const defer = { type: "defer" as const, leaseId, pollIntervalMs: 1, description: "", patch: null };
  switch (event) {
    case "complete":
      return { type: "complete", leaseId, patch: { set: { n: "1" }, removed: [] } };
    case "fail":
      return {
        type: "fail",
        leaseId,
        failure: { code: "TASK_FAILED", type: "", message: "no", stack: "" },
        kind: PLAIN_FAILURE,
      };
    case "defer":
      return { ...defer, n: deferral, maxWaitMs: 0 };
    case "defer with max_wait":
      return { ...defer, n: deferral, maxWaitMs: 100 };
    case "defer again":
      return { ...defer, n: deferral + 1, maxWaitMs: 0 };
    case "reclaim":
      return { type: "reclaim", leaseId, n: deferral };
    case "checkpoint":
      return { type: "checkpoint", leaseId, patch: { set: { half: "1" }, removed: [] } };
    case "stopped":
      return { type: "stopped", leaseId };
    case "decline":
      return { type: "decline", leaseId, patch: null, reason: "drains" };
    case "too large":
      return { type: "complete", leaseId, patch: { set: { big: `"${"x".repeat(1_000)}"` }, removed: [] } };
  }
}
