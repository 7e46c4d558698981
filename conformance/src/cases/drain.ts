/** Drain: a host that stops takes nothing new, ends what it has, and hands the rest back. */
import type { Connection } from "../stage/connection.js";
import { must, same, sleep, within } from "../stage/patience.js";
import { type Given, QUIET_MS, type Stage } from "../stage/stage.js";
import type { Case } from "./case.js";
import { completes, deferred, deferring, ENDS, grant } from "./deferral.js";
import { STATE } from "./lease-states.js";

/** Of the program, after SIGTERM; docs/PROTOCOL.md fixes it. */
const GRACE_MS = 300;

async function exits(stage: Stage): Promise<void> {
  const { program } = stage;
  must(program !== null, "no program runs");
  const code = await within(stage.options.patienceMs, "the end of the program", program.exited);
  same(code, 0, "exit code");
}

async function held(stage: Stage): Promise<{ connection: Connection; given: Given; file: string }> {
  const connection = await stage.connection();
  const file = stage.file();
  const given = stage.give(connection, "slow", { file });
  await given.traced("start");
  return { connection, given, file };
}

const ask = (connection: Connection, graceMs: number): void =>
  connection.say({ case: "drain", value: { graceMs, reason: "the test asks" } });

export const drain: readonly Case[] = [
  {
    name: "drain-asked",
    rules: ["P12.3", "P12.5", "P12.6"],
    title: "drains when it is asked to: ends what holds a slot, hands back what is deferred after the grace time",
    fresh: true,
    run: async (stage) => {
      const { connection, given, file } = await held(stage);
      const waiting = await deferred(stage);
      const asked = performance.now();
      ask(connection, 400);
      await connection.next("drain");
      const { at } = await connection.next("decline", waiting.given.id);
      must(at - asked > 350, `declined after ${Math.round(at - asked)} ms of a grace of 400`);
      same(connection.kinds(given.id), [], "events about the lease that holds a slot");
      stage.make(file);
      await connection.next("complete", given.id);
      await within(stage.options.patienceMs, "the end of the host's stream", connection.over);
      await connection.none(0, ["reclaim", ...ENDS], waiting.given.id, "it was declined");
    },
  },
  {
    name: "drain-grant",
    rules: ["P12.4"],
    title: "reclaims and goes on while it drains, and still sends heartbeats",
    fresh: true,
    run: async (stage) => {
      const { connection, given, files } = await deferred(stage);
      ask(connection, 60_000);
      await connection.next("drain");
      await connection.next("heartbeat");
      await connection.next("heartbeat");
      stage.make(files[0]);
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  {
    name: "drain-cancel",
    rules: ["P12.4"],
    title: "stops a cancelled task while it drains",
    fresh: true,
    run: async (stage) => {
      const { connection, given } = await held(stage);
      ask(connection, 60_000);
      await connection.next("drain");
      connection.say({ case: "cancel", value: { leaseId: given.id, reason: 1 } });
      await connection.next("stopped", given.id);
    },
  },
  {
    name: "drain-deferring",
    rules: ["P12.5"],
    title: "hands back a lease whose deferral is confirmed after the grace time",
    fresh: true,
    run: async (stage) => {
      const { connection, given } = await deferring(stage);
      ask(connection, 100);
      await connection.next("drain");
      await sleep(QUIET_MS);
      connection.say({ case: "deferred", value: { leaseId: given.id, deferral: 1 } });
      await connection.next("decline", given.id);
    },
  },
  {
    name: "drain-lease",
    rules: ["P12.7"],
    title: "executes or declines a lease that was on its way when it began to drain",
    fresh: true,
    run: async (stage) => {
      const { connection, given, file } = await held(stage);
      ask(connection, 60_000);
      const late = stage.give(connection, "echo");
      await connection.nextOf(["complete", "decline"], late.id);
      stage.make(file);
      await connection.next("complete", given.id);
    },
  },
  {
    name: "sigterm",
    rules: ["P12.8", "P12.6"],
    title: "says HostDrain on SIGTERM, ends what runs, and exits with 0",
    fresh: true,
    run: async (stage) => {
      const { connection, given, file } = await held(stage);
      stage.program?.terminate();
      await connection.next("drain");
      same(connection.kinds(given.id), [], "events about the lease");
      stage.make(file);
      await connection.next("complete", given.id);
      await exits(stage);
    },
  },
  {
    name: "sigterm-idle",
    rules: ["P12.8"],
    title: "exits with 0 on SIGTERM when nothing runs",
    fresh: true,
    run: async (stage) => {
      await stage.works(await stage.connection());
      stage.program?.terminate();
      await exits(stage);
    },
  },
  {
    name: "sigterm-deferred",
    rules: ["P12.5", "P12.8"],
    title: "hands back a deferred lease when the grace time after SIGTERM is over, and exits with 0",
    fresh: true,
    run: async (stage) => {
      const { connection, given } = await deferred(stage);
      const asked = performance.now();
      stage.program?.terminate();
      const { at } = await connection.next("decline", given.id);
      must(at - asked > GRACE_MS - 50, `declined after ${Math.round(at - asked)} ms of a grace of ${GRACE_MS}`);
      await exits(stage);
      same(connection.kinds(given.id), ["deferUntil", "decline"], "events about the lease");
    },
  },
  {
    name: "decline-again",
    rules: ["P12.6", "P4.6"],
    title: "says Decline again when the connection broke before its receipt, before it goes",
    fresh: true,
    run: async (stage) => {
      const { connection, given } = await deferred(stage);
      ask(connection, 50);
      await connection.next("drain");
      connection.receipting = false;
      const { seq } = await connection.next("decline", given.id);
      await sleep(QUIET_MS);
      must(!connection.isOver, "the host went before its Decline had a receipt");
      await stage.cut("reset");
      const again = await stage.hello();
      const listed = again.hello?.heldLeases.find(({ leaseId }) => leaseId === given.id);
      same(listed?.state, STATE.finished, "state of the lease in Hello");
      stage.welcome(again, { verdicts: [{ leaseId: given.id, state: STATE.deferred, deferral: 1 }] });
      same((await again.next("decline", given.id)).seq, seq, "seq of Decline, again");
    },
  },
  {
    name: "drain-session-lost",
    rules: ["P12.9"],
    title: "says in a new session as well that it drains",
    fresh: true,
    run: async (stage) => {
      const { connection, given, file } = await held(stage);
      ask(connection, 60_000);
      await connection.next("drain");
      await stage.works(connection);
      await stage.cut("reset");
      const verdict = { leaseId: given.id, state: STATE.held };
      const again = await stage.welcomed({ resumed: false, verdicts: [verdict] });
      await again.next("drain");
      stage.make(file);
      await again.next("complete", given.id);
    },
  },
];
