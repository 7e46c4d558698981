/** What a scheduler owes about sessions: connections, life, reconnects, drains, Exchange. */
import { HostAdminService, HostService } from "@cloaca/protocol";
import { must, same, sleep } from "../stage/patience.js";
import type { SchedulerCase } from "./case.js";
import { carries } from "./live-scheduler.js";

const QUIET_MS = 150;
const APPLIED = 1;
const STATE = { held: 1, reclaiming: 4, revoked: 7 } as const;
const MET = 1;

export const sessionCases: readonly SchedulerCase[] = [
  {
    name: "hello-expected",
    rules: ["P1.S1"],
    title: "refuses a connection that does not begin with Hello",
    run: async (world) => {
      const host = world.connect();
      host.sayRaw(1n, { case: "setSlots", value: { slots: 1 } });
      must(carries(await host.ended(), "HELLO_EXPECTED"), "the stream did not end with HELLO_EXPECTED");
    },
  },
  {
    name: "replaces",
    rules: ["P1.S2"],
    title: "lets a newer connection of an instance replace the older",
    run: async (world) => {
      const { host, hello, welcome } = await world.join();
      const newer = world.connect();
      const second = await newer.welcome({ ...hello, resumeToken: welcome.resumeToken });
      await host.ended();
      same([second.sessionId, second.resumed], [welcome.sessionId, true], "session");
      must(second.generation > welcome.generation, "the generation did not grow");
      await world.start();
      await newer.lease();
    },
  },
  {
    name: "token",
    rules: ["P1.S3"],
    title: "refuses a token that is not the session's",
    run: async (world) => {
      const { hello } = await world.join();
      const thief = world.connect();
      thief.sayRaw(0n, { case: "hello", value: { ...hello, resumeToken: "guessed" } });
      must(carries(await thief.ended(), "RESUME_TOKEN_INVALID"), "the stream did not end with RESUME_TOKEN_INVALID");
    },
  },
  {
    name: "heartbeat",
    rules: ["P5.S1"],
    title: "echoes the nonce of a heartbeat",
    run: async (world) => {
      const { host } = await world.join();
      host.sayRaw(0n, { case: "heartbeat", value: { nonce: 77n } });
      same((await host.next("heartbeatAck")).nonce, 77n, "nonce");
    },
  },
  {
    name: "lost",
    rules: ["P5.S2"],
    title: "leases the attempt of a lost session again, as a recovery",
    run: async (world) => {
      const { host } = await world.join("first", { requestedTtlMs: 1_000 });
      await world.start();
      const lost = await host.lease();
      host.cut();
      const second = await world.join("second");
      const again = await second.host.lease();
      same([again.taskRunId, again.attempt, again.recovery], [lost.taskRunId, 1, 1], "the lease, again");
      must(again.fence > lost.fence, "the fence did not grow");
    },
  },
  {
    name: "verdicts",
    rules: ["P6.S1"],
    title: "answers each lease that is listed, and sends again what is not",
    run: async (world) => {
      const joined = await world.join();
      await world.start();
      await world.start();
      const listed = await joined.host.lease();
      const forgotten = await joined.host.lease();
      const again = await world.rejoin(joined, [
        { leaseId: listed.leaseId, state: STATE.held },
        { leaseId: "never-given", state: STATE.held },
      ]);
      const verdicts = again.welcome.verdicts.map(({ leaseId, state }) => [leaseId, state]);
      same(
        verdicts,
        [
          [listed.leaseId, STATE.held],
          ["never-given", STATE.revoked],
        ],
        "verdicts",
      );
      const resent = await again.host.lease();
      same([resent.taskRunId, resent.recovery], [forgotten.taskRunId, 0], "the lease that was not listed");
      const { result } = await again.host.say({ case: "complete", value: { leaseId: listed.leaseId } });
      same(result, APPLIED, "result of Complete after the reconnect");
    },
  },
  {
    name: "lost-grant",
    rules: ["P6.S2"],
    title: "tells in Welcome of a grant that was lost",
    run: async (world) => {
      const joined = await world.join();
      await world.start();
      const { leaseId } = await joined.host.lease();
      await joined.host.say({ case: "deferUntil", value: { leaseId, deferral: 1 } });
      await joined.host.say({ case: "reclaim", value: { leaseId, deferral: 1 } });
      await joined.host.next("slotGranted");
      const { welcome } = await world.rejoin(joined, [{ leaseId, state: STATE.reclaiming, deferral: 1 }]);
      const [verdict] = welcome.verdicts;
      same([verdict?.state, verdict?.deferral, verdict?.outcome], [STATE.held, 1, MET], "the verdict");
    },
  },
  {
    name: "definition",
    rules: ["P11.S1"],
    title: "refuses a wrong definition, with every problem",
    run: async (world) => {
      const host = world.connect();
      const tasks = [{ id: "a", dependencies: ["nowhere"] }, { id: "a" }];
      const hello = { ...world.hello(), definitions: [{ name: world.workflow, tasks }] };
      host.sayRaw(0n, { case: "hello", value: hello });
      const end = await host.ended();
      must(carries(end, "DEFINITION_INVALID"), "the stream did not end with DEFINITION_INVALID");
      must(carries(end, "nowhere") && carries(end, "tasks[1]"), "the problems do not name both places");
    },
  },
  {
    name: "host-drain",
    rules: ["P12.S1"],
    title: "leases nothing to a host that drains, and what it declines to another",
    run: async (world) => {
      const { host } = await world.join();
      await world.start();
      const { leaseId, taskRunId } = await host.lease();
      await host.say({ case: "drain", value: { reason: "the test asks" } });
      await world.start();
      await host.settled();
      await sleep(QUIET_MS);
      same(host.count("lease"), 1, "leases at a host that drains");
      await host.say({ case: "decline", value: { leaseId } });
      const other = await world.join("second");
      const leases = [await other.host.lease(), await other.host.lease()];
      const [again] = leases.filter((lease) => lease.taskRunId === taskRunId);
      same([again?.attempt, again?.recovery], [1, 0], "attempt and recovery of what was declined");
    },
  },
  {
    name: "operator-drain",
    rules: ["P12.S2"],
    title: "asks a host to drain when an operator says so",
    run: async (world) => {
      const { host, hello } = await world.join();
      const hostId = hello.hostId ?? "";
      await world.scheduler.call(HostAdminService.method.drainHost, { hostId, graceMs: 60_000 });
      const { graceMs, reconnect } = await host.next("drain");
      // What is left of it when it is sent.
      must(graceMs > 0 && graceMs <= 60_000, `grace_ms is ${graceMs}`);
      same(reconnect, false, "reconnect");
    },
  },
  {
    name: "exchange",
    rules: ["P14.S1"],
    title: "repeats in an Exchange what was not acknowledged",
    run: async (world) => {
      const exchange = HostService.method.exchange;
      const hello = { seq: 0n, event: { case: "hello", value: world.hello() } } as const;
      const first = await world.scheduler.call(exchange, { events: [hello] });
      const welcome = first.events.map(({ event }) => (event.case === "welcome" ? event.value : null)).find(Boolean);
      must(welcome !== null && welcome !== undefined, "the first answer has no Welcome");
      const { sessionId, resumeToken } = welcome;
      await world.start();
      const poll = { sessionId, resumeToken, ackResponseId: first.responseId, waitMs: 2_000 };
      const leased = await world.scheduler.call(exchange, poll);
      const again = await world.scheduler.call(exchange, poll);
      const idIn = ({ events }: typeof leased): (string | null)[] =>
        events.map(({ event }) => (event.case === "lease" ? event.value.leaseId : null)).filter(Boolean);
      same(idIn(leased).length, 1, "leases in the answer");
      same(idIn(again), idIn(leased), "leases in the answer to the same request again");
      const next = { ...poll, ackResponseId: again.responseId, waitMs: 100 };
      same(idIn(await world.scheduler.call(exchange, next)), [], "leases after they were acknowledged");
    },
  },
];
