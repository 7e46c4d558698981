/** Resume: a broken connection is no failure. Leases go on, and what has no receipt is said again. */
import { type Heard, LIMITS } from "../stage/connection.js";
import { must, same, sleep } from "../stage/patience.js";
import { QUIET_MS } from "../stage/stage.js";
import type { Case } from "./case.js";
import { grant } from "./deferral.js";
import { listed, STATE } from "./lease-states.js";
import { refused } from "./refusal.js";

export const resume: readonly Case[] = [
  {
    name: "resume-token",
    rules: ["P1.7"],
    title: "goes on with its session: the token of the last Welcome, the same instance",
    run: async (stage) => {
      const first = await stage.connection();
      await stage.cut("reset");
      const { hello } = await stage.welcomed({ resumeToken: "another secret" });
      must(hello?.resumeToken.startsWith("secret of ") ?? false, `resume_token is ${hello?.resumeToken}`);
      same(hello?.instanceId, first.hello?.instanceId, "instance_id");
      await stage.cut("unavailable");
      const again = await stage.welcomed();
      same(again.hello?.resumeToken, "another secret", "resume_token, after a Welcome with another");
    },
  },
  {
    name: "held-goes-on",
    rules: ["P6.1", "P6.2"],
    title: "goes on with its tasks while the connection is away, and lists them",
    run: async (stage) => {
      const file = stage.file();
      const given = stage.give(await stage.connection(), "slow", { file });
      await given.traced("start");
      await stage.cut("reset");
      const connection = await stage.hello();
      same(listed(connection.hello?.heldLeases ?? [], given), [STATE.held, 0], "the lease in Hello");
      stage.welcome(connection, { verdicts: [{ leaseId: given.id, state: STATE.held }] });
      await stage.works(connection);
      stage.make(file);
      await connection.next("complete", given.id);
      same(given.trace(), ["start"], "trace");
    },
  },
  {
    name: "finished-while-away",
    rules: ["P6.2", "P4.6"],
    title: "keeps how a task ended while the connection was away, and says it then",
    run: async (stage) => {
      const file = stage.file();
      const given = stage.give(await stage.connection(), "slow", { file });
      await given.traced("start");
      stage.scheduler.refusal = { code: 14, details: "away" };
      await stage.cut("reset");
      stage.make(file);
      await sleep(2 * QUIET_MS);
      stage.scheduler.refusal = null;
      const connection = await stage.hello();
      same(listed(connection.hello?.heldLeases ?? [], given), [STATE.finished, 0], "the lease in Hello");
      stage.welcome(connection, { verdicts: [{ leaseId: given.id, state: STATE.held }] });
      await connection.next("complete", given.id);
    },
  },
  {
    name: "resend",
    rules: ["P4.6"],
    title: "says everything again that has no receipt: the same content and number, in the same order",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      const leases = ["echo", "fail", "edit"].map((task) => stage.give(connection, task, { set: { a: 1 } }));
      for (const { id } of leases) await connection.nextOf(["complete", "fail"], id);
      const ids = leases.map(({ id }) => id);
      const about = (heard: readonly Heard[]): unknown[] => {
        const ours = heard.filter(({ value }) => "leaseId" in value && ids.includes(String(value.leaseId)));
        return ours.map(({ kind, seq, value }) => [kind, seq, value]);
      };
      const said = about(connection.heard);
      await stage.cut("reset");
      const again = await stage.hello();
      for (const given of leases) {
        same(listed(again.hello?.heldLeases ?? [], given)?.[0], STATE.finished, `state of ${given.id} in Hello`);
      }
      again.receipting = false;
      stage.welcome(again, { verdicts: leases.map(({ id }) => ({ leaseId: id, state: STATE.finished })) });
      for (const { id } of leases) await again.nextOf(["complete", "fail"], id);
      same(about(again.heard), said, "what is said again");
    },
  },
  {
    name: "no-resend",
    rules: ["P4.7", "P6.3"],
    title: "says nothing again that has its receipt, one by one or for many at once, and lists no such lease",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      const leases = Array.from({ length: 4 }, () => stage.give(connection, "echo"));
      const seqs: bigint[] = [];
      for (const { id } of leases) seqs.push((await connection.next("complete", id)).seq);
      seqs.sort((a, b) => Number(a - b));
      const [first = 0n] = seqs;
      // Up to the last, with exceptions before it.
      connection.receipts(seqs.at(-1) ?? 0n, { seq: first, result: 4, error: { code: "LEASE_STALE", message: "" } });
      connection.receipting = true;
      await stage.works(connection);
      // In order, so that the last receipt arrives.
      await stage.cut("end");
      const again = await stage.welcomed();
      same(again.hello?.heldLeases.length, 0, "leases in Hello");
      await stage.works(again);
      same(again.heard.filter(({ seq }) => seq > 0n).length, 1, "numbered events after the reconnect, one of them new");
    },
  },
  {
    name: "stopped-again",
    rules: ["P4.6"],
    title: "says Stopped again when its receipt was lost",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "slow");
      await given.traced("start");
      connection.receipting = false;
      connection.say({ case: "cancel", value: { leaseId: given.id, reason: 1 } });
      const { seq } = await connection.next("stopped", given.id);
      await stage.cut("reset");
      const again = await stage.welcomed({ verdicts: [{ leaseId: given.id, state: STATE.ending, cancelReason: 1 }] });
      same((await again.next("stopped", given.id)).seq, seq, "seq of Stopped, again");
    },
  },
  {
    name: "session-lost",
    rules: ["P1.7", "P6.8"],
    title: "takes up a new session when the old one was lost",
    run: async (stage) => {
      const given = stage.give(await stage.connection(), "slow");
      await given.traced("start");
      await stage.cut("reset");
      const connection = await stage.welcomed({ resumed: false });
      await given.traced("stopped");
      await stage.works(connection);
      await stage.cut("reset");
      const again = await stage.hello();
      must(again.hello?.resumeToken !== "", "the next Hello has no resume_token");
      stage.welcome(again);
      await stage.works(again);
    },
  },
  {
    name: "token-invalid",
    rules: ["P1.8"],
    title: "opens a new session when its token is refused",
    run: async (stage) => {
      await stage.connection();
      stage.scheduler.refusal = refused(7, "RESUME_TOKEN_INVALID", "The resume token is not the session's.");
      const before = stage.scheduler.opened;
      await stage.cut("reset");
      while (stage.scheduler.opened === before) await sleep(5);
      stage.scheduler.refusal = null;
      const connection = await stage.hello("a Hello after RESUME_TOKEN_INVALID");
      same(connection.hello?.resumeToken, "", "resume_token");
      stage.welcome(connection);
      await stage.works(connection);
    },
  },
  {
    name: "lease-again",
    rules: ["P3.5"],
    title: "does not execute a lease again that is sent again after a reconnect",
    run: async (stage) => {
      const file = stage.file();
      const given = stage.give(await stage.connection(), "slow", { file });
      await given.traced("start");
      await stage.cut("reset");
      const connection = await stage.welcomed({ verdicts: [{ leaseId: given.id, state: STATE.held }] });
      connection.say({ case: "lease", value: given.fields });
      await stage.works(connection);
      stage.make(file);
      await connection.next("complete", given.id);
      same(given.trace(), ["start"], "trace");
    },
  },
  {
    name: "resend-split",
    rules: ["P10.2"],
    title: "splits what it says again into messages within the limit",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      const leases = [];
      for (let n = 0; n < 4; n++) {
        const given = stage.give(connection, "large", { bytes: 1_400_000 });
        await connection.next("complete", given.id);
        leases.push(given);
      }
      await stage.cut("reset");
      const again = await stage.welcomed({ limits: LIMITS, verdicts: [] });
      for (const { id } of leases) await again.next("complete", id);
    },
  },
  {
    name: "drain-reconnect",
    rules: ["P12.2"],
    title: "keeps its leases when the scheduler goes away, and comes again after the time that it was told",
    run: async (stage) => {
      const connection = await stage.connection();
      const file = stage.file();
      const given = stage.give(connection, "slow", { file });
      await given.traced("start");
      connection.say({ case: "drain", value: { reconnect: true, reconnectAfterMs: 400, reason: "a new version" } });
      await stage.works(connection);
      const left = performance.now();
      await stage.cut("end");
      const again = await stage.hello();
      const after = performance.now() - left;
      must(after > 300, `it came again after ${Math.round(after)} ms; it was asked to wait 400`);
      same(listed(again.hello?.heldLeases ?? [], given), [STATE.held, 0], "the lease in Hello");
      stage.welcome(again, { verdicts: [{ leaseId: given.id, state: STATE.held }] });
      stage.make(file);
      await again.next("complete", given.id);
    },
  },
  {
    name: "cut-at-every-point",
    rules: ["P6.1", "P6.2"],
    title: "brings a lease to its end whose connection breaks after each step",
    run: async (stage) => {
      const connection = await stage.connection();
      connection.receipting = false;
      const file = stage.file();
      const given = stage.give(connection, "defer", { files: [file] });
      await given.traced("start");
      const again = async (state: number, deferral = 0) => {
        await stage.cut("reset");
        return await stage.welcomed({ verdicts: [{ leaseId: given.id, state, deferral }] });
      };
      // Before DeferUntil was heard, and before Deferred was.
      let now = await again(STATE.held);
      await now.next("deferUntil", given.id);
      await again(STATE.deferred, 1);
      await given.traced("poll");
      now = await again(STATE.deferred, 1);
      stage.make(file);
      await now.next("reclaim", given.id);
      now = await again(STATE.reclaiming, 1);
      grant(now, given, 1);
      await now.next("complete", given.id);
      same(given.trace().filter((word) => word === "start").length, 1, "executions");
    },
  },
];
