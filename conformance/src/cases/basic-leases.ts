/** Basic: what a host does with a lease, a cancellation and a receipt. */
import { must, same, sleep } from "../stage/patience.js";
import { QUIET_MS } from "../stage/stage.js";
import type { Case } from "./case.js";

const ENDS = ["complete", "fail", "stopped", "decline"] as const;

export const basicLeases: readonly Case[] = [
  {
    name: "echo",
    rules: ["P4.1", "P4.2"],
    title: "executes a lease and completes it once, with a number",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "echo", { value: { a: [1, "b", null] } });
      const { seq, value } = await connection.next("complete", given.id);
      must(seq > 0n, "Complete has no seq");
      same(JSON.parse(value.patch?.set["echoed"] ?? "0"), { a: [1, "b", null] }, "echoed");
      await stage.works(connection);
      same(connection.kinds(given.id), ["complete"], "events about the lease");
      same(given.trace(), ["start"], "trace");
    },
  },
  {
    name: "seq-grows",
    rules: ["P4.1"],
    title: "numbers its events, growing; Hello and Heartbeat have none",
    run: async (stage) => {
      const connection = await stage.connectionWith({ heartbeatIntervalMs: 100 });
      for (let n = 0; n < 3; n++) await stage.works(connection);
      await connection.next("heartbeat");
      let last = 0n;
      for (const { kind, seq } of connection.heard) {
        if (kind === "hello" || kind === "helloChunk" || kind === "heartbeat") same(seq, 0n, `seq of ${kind}`);
        else {
          must(seq > last, `${kind} has seq ${seq} after ${last}`);
          last = seq;
        }
      }
    },
  },
  {
    name: "parallel",
    rules: ["P2.1"],
    title: "starts each lease as it comes, also several of one message and while others run",
    run: async (stage) => {
      const connection = await stage.connection();
      const files = Array.from({ length: 4 }, () => stage.file());
      const leases = files.map((file) => stage.lease("slow", { file }));
      connection.say(...leases.map(({ fields }) => ({ case: "lease" as const, value: fields })));
      for (const lease of leases) await lease.traced("start");
      for (const file of files) stage.make(file);
      for (const { id } of leases) {
        const { value } = await connection.next("complete", id);
        same(value.patch?.set["waited"], "true", "waited");
      }
    },
  },
  {
    name: "receipts-late",
    rules: ["P4.3"],
    title: "goes on with new leases while receipts of earlier ones are outstanding",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      for (let n = 0; n < 8; n++) await stage.works(connection);
    },
  },
  ...(
    [
      [3, "CONFLICT", "OUTCOME_CONFLICT"],
      [4, "STALE", "LEASE_STALE"],
      [5, "REJECTED", "CONTEXT_TOO_LARGE"],
    ] as const
  ).map(
    ([result, word, code]): Case => ({
      name: `receipt-${word.toLowerCase()}`,
      rules: ["P4.4"],
      title: `goes on when an event of its own was answered ${word}`,
      run: async (stage) => {
        const connection = await stage.connection();
        connection.receipting = false;
        const given = stage.give(connection, "echo");
        const { seq } = await connection.next("complete", given.id);
        connection.receipts(seq, { seq, result, error: { code, message: "so says the test" } });
        connection.receipting = true;
        await stage.works(connection);
        // What was REJECTED has not ended the lease: the host may fail it now.
        const after = connection.kinds(given.id).slice(1);
        must(result === 5 ? !after.includes("complete") : after.length === 0, `it said ${after.join(", ")} after it`);
      },
    }),
  ),
  {
    name: "fail",
    rules: ["P4.5"],
    title: "tells a failure with its code and message; neither transient nor final",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "fail", { message: "the disk is full" });
      const { value } = await connection.next("fail", given.id);
      must(value.failure?.message.includes("the disk is full") ?? false, `message ${value.failure?.message}`);
      must(/^[A-Z][A-Z0-9_]*$/.test(value.failure?.code ?? ""), `code ${value.failure?.code}`);
      same([value.transient, value.final], [false, false], "transient and final");
    },
  },
  {
    name: "fail-kinds",
    rules: ["P4.5"],
    title: "says which failures are transient, and which are final",
    run: async (stage) => {
      const connection = await stage.connection();
      const passing = await connection.next("fail", stage.give(connection, "fail_transient").id);
      same([passing.value.transient, passing.value.final], [true, false], "transient and final of fail_transient");
      const lasting = await connection.next("fail", stage.give(connection, "fail_final").id);
      same([lasting.value.transient, lasting.value.final], [false, true], "transient and final of fail_final");
    },
  },
  {
    name: "duplicate-lease",
    rules: ["P3.5"],
    title: "executes a lease once that comes twice",
    run: async (stage) => {
      const connection = await stage.connection();
      const file = stage.file();
      const given = stage.lease("slow", { file });
      connection.say({ case: "lease", value: given.fields }, { case: "lease", value: given.fields });
      await given.traced("start");
      connection.say({ case: "lease", value: given.fields });
      await stage.works(connection);
      stage.make(file);
      await connection.next("complete", given.id);
      await stage.works(connection);
      same([given.trace(), connection.kinds(given.id)], [["start"], ["complete"]], "trace and events");
    },
  },
  {
    name: "duplicate-lease-ended",
    rules: ["P3.5"],
    title: "does not execute a lease again that it has ended, while the receipt is outstanding",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      const given = stage.give(connection, "echo", { value: 1 });
      await connection.next("complete", given.id);
      connection.say({ case: "lease", value: given.fields });
      await stage.works(connection);
      await sleep(QUIET_MS);
      same(given.trace(), ["start"], "trace");
    },
  },
  {
    name: "cancel",
    rules: ["P3.1", "P3.2"],
    title: "stops a cancelled task, and says Stopped when its code has stopped, not before",
    run: async (stage) => {
      const connection = await stage.connection();
      const other = stage.give(connection, "slow", { file: stage.file() });
      const given = stage.give(connection, "slow", { cleanup_ms: 300 });
      await given.traced("start");
      await other.traced("start");
      connection.say({ case: "cancel", value: { leaseId: given.id, reason: 1, detail: "nobody needs it" } });
      await connection.nextOf(ENDS, given.id);
      same(connection.kinds(given.id), ["stopped"], "events about the cancelled lease");
      same(given.trace(), ["start", "stopped"], "trace when Stopped came");
      same([connection.kinds(other.id), other.trace()], [[], ["start"]], "the other lease");
    },
  },
  {
    name: "cancel-timeout",
    rules: ["P9.1"],
    title: "stops a task whose time is over, whatever it would have returned",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "slow", {}, { timeoutRemainingMs: 60_000 });
      await given.traced("start");
      connection.say({ case: "cancel", value: { leaseId: given.id, reason: 2 } });
      await connection.nextOf(ENDS, given.id);
      same(connection.kinds(given.id), ["stopped"], "events about the lease");
    },
  },
  {
    name: "cancel-at-once",
    rules: ["P7.1"],
    title: "ends a lease that is cancelled in the message that brought it",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.lease("slow");
      connection.say(
        { case: "lease", value: given.fields },
        { case: "cancel", value: { leaseId: given.id, reason: 1 } },
      );
      await connection.next("stopped", given.id);
    },
  },
  {
    name: "late-cancel",
    rules: ["P3.3"],
    title: "goes on after a Cancel or Revoked of a lease that has ended, or that it never had",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      const given = stage.give(connection, "echo");
      const { seq } = await connection.next("complete", given.id);
      for (const leaseId of [given.id, "never-given"]) {
        connection.say({ case: "cancel", value: { leaseId, reason: 1 } });
      }
      connection.receipts(seq);
      connection.receipting = true;
      connection.say({ case: "cancel", value: { leaseId: given.id, reason: 1 } });
      connection.say({ case: "revoked", value: { leaseId: given.id, detail: "" } });
      await stage.works(connection);
    },
  },
  {
    name: "revoked",
    rules: ["P3.4"],
    title: "stops a task whose lease is revoked, and says nothing more about it",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "slow");
      await given.traced("start");
      connection.say({ case: "revoked", value: { leaseId: given.id, detail: "another has it" } });
      await given.traced("stopped");
      await connection.none(QUIET_MS, ENDS, given.id, "it was revoked");
    },
  },
  {
    name: "stale-unknown",
    rules: ["P8.8"],
    title: "ignores Deferred, SlotGranted and Registered that it did not ask for",
    run: async (stage) => {
      const connection = await stage.connection();
      const file = stage.file();
      const given = stage.give(connection, "slow", { file });
      await given.traced("start");
      for (const leaseId of ["never-given", given.id]) {
        connection.say({ case: "deferred", value: { leaseId, deferral: 1 } });
        connection.say({ case: "slotGranted", value: { leaseId, deferral: 1, outcome: 1 } });
      }
      connection.say({ case: "registered", value: { seq: 999_999n } });
      await stage.works(connection);
      same([given.trace(), connection.kinds(given.id)], [["start"], []], "the lease");
      stage.make(file);
      await connection.next("complete", given.id);
    },
  },
  {
    name: "no-code",
    rules: ["P12.1"],
    title: "declines a lease of a task that it has no code for",
    run: async (stage) => {
      const connection = await stage.connection();
      await connection.next("decline", stage.give(connection, "no_such_task").id);
      await connection.next("decline", stage.give(connection, "echo", {}, { workflow: "no_such_workflow" }).id);
      await stage.works(connection);
    },
  },
  {
    name: "other-version",
    rules: ["P13.2"],
    title: "declines a lease of a version of its workflow that it did not bring",
    run: async (stage) => {
      const connection = await stage.connection();
      await connection.next("decline", stage.give(connection, "echo", {}, { workflowVersion: "of old" }).id);
    },
  },
];
