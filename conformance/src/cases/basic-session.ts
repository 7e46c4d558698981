/** Basic: sessions, liveness and what a host does not know. */
import { create } from "@bufbuild/protobuf";
import { LeaseSchema, SchedulerEventSchema } from "@cloaca/protocol";
import type { Connection } from "../stage/connection.js";
import { must, same, sleep, within } from "../stage/patience.js";
import { type Cut, QUIET_MS } from "../stage/stage.js";
import type { Case } from "./case.js";

export const TASKS = ["echo", "edit", "fail", "fail_transient", "fail_final", "large", "slow", "checkpoint", "defer"];

const UNAVAILABLE = 14;
/** A field and an event that no version has yet. */
const unknownField = { no: 900, wireType: 2, data: new Uint8Array([3, 1, 2, 3]) };

const ENDS: Record<Cut, string> = {
  reset: "was reset",
  end: "was ended in order",
  unavailable: "was ended with UNAVAILABLE",
};

export const basicSession: readonly Case[] = [
  {
    name: "hello-first",
    rules: ["P1.1"],
    title: "says Hello first, and nothing more before Welcome",
    fresh: true,
    run: async (stage) => {
      stage.startProgram();
      const connection = await stage.hello();
      await sleep(2 * QUIET_MS);
      const kinds = connection.heard.map(({ kind }) => kind).filter((kind) => kind !== "helloChunk");
      same(kinds, ["hello"], "events before Welcome");
      stage.welcome(connection);
      await stage.works(connection);
    },
  },
  {
    name: "hello-fields",
    rules: ["P1.2", "P13.1", "P13.2"],
    title: "says who it is, what it offers, and what it has code for",
    run: async (stage) => {
      const { hello } = await stage.connection();
      must(hello !== null, "no Hello");
      must(hello.protocolMin <= 1 && hello.protocolMax >= 1, `versions ${hello.protocolMin} to ${hello.protocolMax}`);
      same(hello.hostId, stage.hostId, "host_id");
      must(hello.instanceId !== "", "instance_id is empty");
      same([hello.slots, hello.maxLeases], [4, 0], "slots and max_leases");
      const definition = hello.definitions.find(({ name }) => name === "conformance");
      same(definition?.tasks.map(({ id }) => id) ?? null, TASKS, "tasks of the workflow `conformance`");
      const codes = hello.implementations.filter(({ workflow }) => workflow === "conformance");
      const named = codes.flatMap(({ tasks }) => (tasks.length === 0 ? TASKS : tasks));
      must(
        TASKS.every((task) => named.includes(task)),
        `implementations name only ${named.join(", ")}`,
      );
    },
  },
  {
    name: "new-process",
    rules: ["P1.3"],
    title: "has an instance_id of its own in each process, and one only",
    fresh: true,
    run: async (stage) => {
      const first = (await stage.connection()).hello?.instanceId;
      await stage.cut("end");
      same((await stage.welcomed()).hello?.instanceId, first, "instance_id of the second connection");
      await stage.stopProgram();
      const { hello } = await stage.connection();
      must(hello?.instanceId !== first, "a new process has the instance_id of the one before");
      same(hello?.resumeToken, "", "resume_token of a new process");
    },
  },
  ...(["reset", "end", "unavailable"] as const).map(
    (how): Case => ({
      name: `connects-again-${how}`,
      rules: ["P1.4"],
      title: `connects again after its connection ${ENDS[how]}`,
      run: async (stage) => {
        await stage.connection();
        await stage.cut(how);
        await stage.works(await stage.welcomed());
      },
    }),
  ),
  {
    name: "backoff",
    rules: ["P1.5"],
    title: "waits between tries to connect",
    run: async (stage) => {
      await stage.connection();
      stage.scheduler.refusal = { code: UNAVAILABLE, details: "come again" };
      await stage.cut("unavailable");
      const before = stage.scheduler.opened;
      await sleep(1_000);
      const tries = stage.scheduler.opened - before;
      stage.scheduler.refusal = null;
      must(tries <= 20, `${tries} tries within a second`);
      await stage.works(await stage.welcomed());
    },
  },
  {
    name: "unknown-event",
    rules: ["P1.6"],
    title: "ignores an event that it does not know, and goes on with the next of the same message",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.lease("echo", { value: 7 });
      const future = create(SchedulerEventSchema);
      future.$unknown = [{ ...unknownField, no: 99 }];
      const known = create(SchedulerEventSchema, { event: { case: "lease", value: given.fields } });
      connection.sayRaw(future, known);
      await connection.next("complete", given.id);
    },
  },
  {
    name: "unknown-field",
    rules: ["P1.6"],
    title: "ignores a field that it does not know",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.lease("echo", { value: 7 });
      const lease = create(LeaseSchema, given.fields);
      lease.$unknown = [unknownField];
      const event = create(SchedulerEventSchema, { event: { case: "lease", value: lease } });
      event.$unknown = [unknownField];
      connection.sayRaw(event);
      await connection.next("complete", given.id);
    },
  },
  {
    name: "unknown-enum",
    rules: ["P1.6", "P3.1"],
    title: "stops a task whose cancellation has a reason that it does not know",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "slow");
      await given.traced("start");
      connection.say({ case: "cancel", value: { leaseId: given.id, reason: 77 as never } });
      await connection.next("stopped", given.id);
    },
  },
  {
    name: "heartbeat",
    rules: ["P5.1"],
    title: "sends heartbeats as often as Welcome says, while it is idle and while a task runs",
    run: async (stage) => {
      const connection = await stage.connectionWith({ heartbeatIntervalMs: 100 });
      for (let n = 0; n < 3; n++) await connection.next("heartbeat");
      const given = stage.give(connection, "slow");
      await given.traced("start");
      await within(3_000, "three heartbeats while a task runs", beats(connection));
    },
  },
  {
    name: "silent-scheduler",
    rules: ["P5.2"],
    title: "gives a connection up on which it has heard nothing for the TTL, and connects again",
    run: async (stage) => {
      const connection = await stage.connectionWith({ ttlMs: 1_500, heartbeatIntervalMs: 100 });
      connection.acking = false;
      await stage.works(await stage.welcomed());
    },
  },
];

async function beats(connection: Connection): Promise<void> {
  for (let n = 0; n < 3; n++) await connection.next("heartbeat");
}
