/** What a scheduler owes about leases, receipts and deferrals. */
import { must, same, sleep } from "../stage/patience.js";
import type { SchedulerCase } from "./case.js";

const QUIET_MS = 150;
const [APPLIED, DUPLICATE, CONFLICT, STALE, REJECTED] = [1, 2, 3, 4, 5];
const [MET, MAX_WAIT] = [1, 2];
const SUCCEEDED = 3;
const [HELD, ENDING] = [1, 6];
export const TIMEOUT = 2;

export const leaseCases: readonly SchedulerCase[] = [
  {
    name: "slots",
    rules: ["P2.S1", "P13.S1"],
    title: "leases no more than fits, and names the version of the run",
    run: async (world) => {
      const { host, welcome } = await world.join();
      for (let n = 0; n < 4; n++) await world.start();
      const first = await host.lease();
      const second = await host.lease();
      same(first.workflowVersion, welcome.workflows[0]?.version, "version in the lease");
      await host.settled();
      await sleep(QUIET_MS);
      same(host.count("lease"), 2, "leases at a host with two slots");
      for (const { leaseId } of [first, second]) {
        same((await host.say({ case: "complete", value: { leaseId } })).result, APPLIED, "result of Complete");
        await host.lease();
      }
    },
  },
  {
    name: "slots-fewer",
    rules: ["P2.S1"],
    title: "leases nothing to a host that offers nothing any more, and goes on when it does",
    run: async (world) => {
      const { host } = await world.join("first", { slots: 0 });
      await world.start();
      await host.settled();
      await sleep(QUIET_MS);
      same(host.count("lease"), 0, "leases at a host without slots");
      await host.say({ case: "setSlots", value: { slots: 1 } });
      await host.lease();
    },
  },
  {
    name: "deferral",
    rules: ["P8.S1", "P2.S2"],
    title: "gives the slot of a deferred lease to others, and a slot back to who reclaims",
    run: async (world) => {
      const { host } = await world.join("first", { slots: 1 });
      const run = await world.start();
      const { leaseId } = await host.lease();
      await world.start();
      await host.say({ case: "deferUntil", value: { leaseId, deferral: 1 } });
      same((await host.next("deferred")).leaseId, leaseId, "lease that is deferred");
      const other = await host.lease();
      await host.say({ case: "reclaim", value: { leaseId, deferral: 1 } });
      await host.settled();
      same(host.count("slotGranted"), 0, "grants while the only slot is held");
      await host.say({ case: "complete", value: { leaseId: other.leaseId } });
      const granted = await host.next("slotGranted");
      same([granted.leaseId, granted.deferral, granted.outcome], [leaseId, 1, MET], "the grant");
      await host.say({ case: "complete", value: { leaseId } });
      same(await world.ended(run), SUCCEEDED, "status of the run");
    },
  },
  {
    name: "max-wait",
    rules: ["P8.S2"],
    title: "ends a deferral whose longest wait is over",
    run: async (world) => {
      const { host } = await world.join();
      await world.start();
      const { leaseId } = await host.lease();
      await host.say({ case: "deferUntil", value: { leaseId, deferral: 1, maxWaitMs: 50 } });
      same((await host.next("slotGranted")).outcome, MAX_WAIT, "outcome");
    },
  },
  {
    name: "deferral-numbers",
    rules: ["P8.S3"],
    title: "answers a lower number with DUPLICATE, and one that is not due with DEFERRAL_OUT_OF_ORDER",
    run: async (world) => {
      const { host } = await world.join();
      await world.start();
      const { leaseId } = await host.lease();
      const early = await host.say({ case: "deferUntil", value: { leaseId, deferral: 2 } });
      same([early.result, early.error?.code], [REJECTED, "DEFERRAL_OUT_OF_ORDER"], "deferral 2 before 1");
      await host.say({ case: "deferUntil", value: { leaseId, deferral: 1 } });
      await host.say({ case: "reclaim", value: { leaseId, deferral: 1 } });
      await host.next("slotGranted");
      const again = await host.say({ case: "deferUntil", value: { leaseId, deferral: 1 } });
      same(again.result, DUPLICATE, "result of deferral 1, again");
    },
  },
  {
    name: "receipts",
    rules: ["P4.S1"],
    title: "answers the same end again with DUPLICATE, and another with CONFLICT",
    run: async (world) => {
      const { host } = await world.join();
      const run = await world.start();
      const { leaseId } = await host.lease();
      const end = { case: "complete", value: { leaseId, patch: { set: { a: "1" } } } } as const;
      same((await host.say(end)).result, APPLIED, "result of Complete");
      same((await host.say(end)).result, DUPLICATE, "result of the same again");
      const other = await host.say({ case: "complete", value: { leaseId, patch: { set: { a: "2" } } } });
      same([other.result, other.error?.code], [CONFLICT, "OUTCOME_CONFLICT"], "another end");
      same(await world.ended(run), SUCCEEDED, "status of the run");
    },
  },
  {
    name: "unknown-event",
    rules: ["P4.S2"],
    title: "refuses an event that it does not know, and goes on",
    run: async (world) => {
      const { host } = await world.join();
      const { result, error } = await host.receipt(host.sayUnknown());
      same([result, error?.code], [REJECTED, "UNSUPPORTED"], "the receipt");
      await world.start();
      await host.lease();
    },
  },
  {
    name: "stale",
    rules: ["P3.S1"],
    title: "answers an event of a lease that it does not know with STALE and Revoked",
    run: async (world) => {
      const { host } = await world.join();
      const { result, error } = await host.say({ case: "complete", value: { leaseId: "never-given" } });
      same([result, error?.code], [STALE, "LEASE_STALE"], "the receipt");
      same((await host.next("revoked")).leaseId, "never-given", "lease that is revoked");
    },
  },
  {
    name: "cancel",
    rules: ["P3.S2"],
    title: "cancels a lease, and gives its slot to another after Stopped, not before",
    run: async (world) => {
      const { host } = await world.join("first", { slots: 1 });
      const run = await world.start();
      const { leaseId } = await host.lease();
      await world.start();
      await world.cancel(run);
      same((await host.next("cancel")).leaseId, leaseId, "lease that is cancelled");
      await host.settled();
      await sleep(QUIET_MS);
      same(host.count("lease"), 1, "leases before Stopped");
      await host.say({ case: "stopped", value: { leaseId } });
      await host.lease();
    },
  },
  {
    name: "timeout",
    rules: ["P9.S1"],
    title: "cancels a lease that has held its slot for too long",
    run: async (world) => {
      const { host } = await world.join("first", {}, { timeoutMs: 100 });
      await world.start();
      const { leaseId } = await host.lease();
      const cancel = await host.next("cancel");
      same([cancel.leaseId, cancel.reason], [leaseId, TIMEOUT], "Cancel");
    },
  },
  {
    name: "timeout-outcome",
    rules: ["P9.S2"],
    title: "says with a timeout what follows, also to a host that was away",
    run: async (world) => {
      const retry = { attempts: 1, delayMs: 60_000, maxDelayMs: 60_000 };
      const again = await world.join("first", {}, { timeoutMs: 100, retry });
      await world.start();
      const { leaseId } = await again.host.lease();
      const { failure } = await again.host.next("cancel");
      same([failure?.final, failure?.nextAttempt], [false, 2], "what follows on the first timeout");
      must((failure?.retryInMs ?? 0) > 0, "the delay is not told");
      const { welcome } = await world.rejoin(again, [{ leaseId, state: HELD }]);
      const [verdict] = welcome.verdicts;
      same([verdict?.state, verdict?.cancelReason], [ENDING, TIMEOUT], "the verdict");
      same([verdict?.failure?.final, verdict?.failure?.nextAttempt], [false, 2], "what follows, in the verdict");
    },
  },
  {
    name: "timeout-final",
    rules: ["P9.S2"],
    title: "says with a timeout that it was the last",
    run: async (world) => {
      const { host } = await world.join("first", {}, { timeoutMs: 100 });
      await world.start();
      await host.lease();
      same((await host.next("cancel")).failure?.final, true, "whether the timeout is final");
    },
  },
  {
    name: "oversize",
    rules: ["P10.S1"],
    title: "refuses a patch over the limit; the task has failed, and the stream goes on",
    run: async (world) => {
      const { host, welcome } = await world.join();
      const bytes = welcome.limits?.maxPatchBytes ?? 0;
      must(bytes > 0, "Welcome names no max_patch_bytes");
      const run = await world.start();
      const { leaseId } = await host.lease();
      const patch = { set: { large: JSON.stringify("x".repeat(bytes)) } };
      const { result, error } = await host.say({ case: "complete", value: { leaseId, patch } });
      same([result, error?.code], [REJECTED, "CONTEXT_TOO_LARGE"], "the receipt");
      must((await world.ended(run)) !== SUCCEEDED, "the run succeeded");
      await world.start();
      await host.lease();
    },
  },
  {
    name: "many-keys",
    rules: ["P10.S1"],
    title: "counts 16 bytes for each key of a patch besides its texts",
    run: async (world) => {
      const { host, welcome } = await world.join();
      const bytes = welcome.limits?.maxPatchBytes ?? 0;
      await world.start();
      const { leaseId } = await host.lease();
      // Their texts alone have less than half of it.
      const keys = Array.from({ length: Math.ceil(bytes / 17) }, (_, n) => n.toString(36));
      const patch = { set: Object.fromEntries(keys.map((key) => [key, "1"])) };
      const { result, error } = await host.say({ case: "complete", value: { leaseId, patch } });
      same([result, error?.code], [REJECTED, "CONTEXT_TOO_LARGE"], "the receipt");
    },
  },
];
