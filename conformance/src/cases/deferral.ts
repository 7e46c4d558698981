/** Deferral: a task gives its slot back, and takes one again. */
import type { Connection } from "../stage/connection.js";
import { must, same, sleep } from "../stage/patience.js";
import { type Given, QUIET_MS, type Stage } from "../stage/stage.js";
import type { Case } from "./case.js";

export const MET = 1;
export const MAX_WAIT = 2;
export const ENDS = ["complete", "fail", "stopped", "decline"] as const;

export interface Deferral {
  readonly connection: Connection;
  readonly given: Given;
  readonly files: readonly [string, string];
}

/** Gives a lease whose task defers; it has said so, and has heard nothing yet. */
export async function deferring(stage: Stage, input: object = {}, times: 1 | 2 = 1): Promise<Deferral> {
  const connection = await stage.connection();
  const files: [string, string] = [stage.file(), stage.file()];
  const given = stage.give(connection, "defer", { files: files.slice(0, times), ...input });
  const { value } = await connection.next("deferUntil", given.id);
  same(value.deferral, 1, "number of the first deferral");
  return { connection, given, files };
}

/** The same, with the slot given back and the condition polled. */
export async function deferred(stage: Stage, input: object = {}, times: 1 | 2 = 1): Promise<Deferral> {
  const deferral = await deferring(stage, input, times);
  sayDeferred(deferral.connection, deferral.given, 1);
  await deferral.given.traced("poll");
  // A host that polled too early has heard Deferred as well by then: only the case for that rule fails.
  await stage.works(deferral.connection);
  return deferral;
}

/** The same, with the condition met and a slot asked for. */
export async function reclaiming(stage: Stage, input: object = {}, times: 1 | 2 = 1): Promise<Deferral> {
  const deferral = await deferred(stage, input, times);
  stage.make(deferral.files[0]);
  same((await deferral.connection.next("reclaim", deferral.given.id)).value.deferral, 1, "number of the reclaim");
  return deferral;
}

export function sayDeferred(connection: Connection, { id }: Given, deferral: number): void {
  connection.say({ case: "deferred", value: { leaseId: id, deferral } });
}

export function grant(connection: Connection, { id }: Given, deferral: number, outcome: 1 | 2 = MET): void {
  connection.say({ case: "slotGranted", value: { leaseId: id, deferral, outcome } });
}

export function cancel(connection: Connection, { id }: Given): void {
  connection.say({ case: "cancel", value: { leaseId: id, reason: 1 } });
}

/** Fails the case unless the task completes, with these outcomes. */
export async function completes(connection: Connection, { id }: Given, outcomes: readonly string[]): Promise<void> {
  const { value } = await connection.next("complete", id);
  same(JSON.parse(value.patch?.set["outcomes"] ?? "null"), outcomes, "outcomes");
}

const polls = (given: Given): number => given.trace().filter((word) => word === "poll").length;

export const deferral: readonly Case[] = [
  {
    name: "defer",
    rules: ["P8.1", "P8.2", "P8.4"],
    title: "defers, polls, reclaims and goes on with its slot",
    run: async (stage) => {
      const connection = await stage.connection();
      const file = stage.file();
      const given = stage.give(connection, "defer", { files: [file], poll_ms: 25, max_wait_ms: 60_000 });
      const { value } = await connection.next("deferUntil", given.id);
      same([value.deferral, value.pollIntervalMs, value.maxWaitMs], [1, 25, 60_000], "DeferUntil");
      same(value.checkpoint?.set, { waiting: "1" }, "what is committed with it");
      sayDeferred(connection, given, 1);
      await given.traced("poll", 2);
      stage.make(file);
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
      await stage.works(connection);
      same(connection.kinds(given.id), ["deferUntil", "reclaim", "complete"], "events about the lease");
    },
  },
  {
    name: "no-poll-before-deferred",
    rules: ["P8.2"],
    title: "does not poll before it has heard Deferred",
    run: async (stage) => {
      const connection = await stage.connection();
      const file = stage.file();
      stage.make(file);
      const given = stage.give(connection, "defer", { files: [file] });
      await connection.next("deferUntil", given.id);
      await stage.works(connection);
      await sleep(QUIET_MS);
      same(given.trace(), ["start"], "trace before Deferred");
      await connection.none(0, ["reclaim"], given.id, "Deferred was not said yet");
      sayDeferred(connection, given, 1);
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  {
    name: "polls-at-once",
    rules: ["P8.3"],
    title: "polls as soon as it hears Deferred, not an interval later",
    run: async (stage) => {
      const { connection, given, files } = await deferring(stage, { poll_ms: 3_600_000 });
      stage.make(files[0]);
      sayDeferred(connection, given, 1);
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  {
    name: "poll-interval",
    rules: ["P8.3"],
    title: "polls once in every interval",
    run: async (stage) => {
      const { given } = await deferred(stage, { poll_ms: 200 });
      await given.traced("poll", 2);
      const before = polls(given);
      await sleep(700);
      const more = polls(given) - before;
      must(more >= 1 && more <= 5, `${more} polls in 700 ms with an interval of 200 ms`);
    },
  },
  {
    name: "no-resume-before-grant",
    rules: ["P8.5"],
    title: "waits for SlotGranted after its Reclaim, and polls no more",
    run: async (stage) => {
      const { connection, given } = await reclaiming(stage);
      const before = polls(given);
      await stage.works(connection);
      await connection.none(QUIET_MS, ["reclaim", "deferUntil", ...ENDS], given.id, "no slot was granted yet");
      same(polls(given), before, "polls after Reclaim");
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  {
    name: "defer-twice",
    rules: ["P8.1", "P8.4"],
    title: "numbers deferrals, and commits with each what the task did since the last",
    run: async (stage) => {
      const { connection, given, files } = await reclaiming(stage, {}, 2);
      grant(connection, given, 1);
      const second = (await connection.next("deferUntil", given.id)).value;
      same([second.deferral, second.checkpoint?.set["waiting"]], [2, "2"], "the second DeferUntil");
      sayDeferred(connection, given, 2);
      await given.traced("poll", 2);
      stage.make(files[1]);
      same((await connection.next("reclaim", given.id)).value.deferral, 2, "number of the second reclaim");
      grant(connection, given, 2);
      const { value } = await connection.next("complete", given.id);
      same(Object.keys(value.patch?.set ?? {}), ["outcomes"], "keys that were set since the last deferral");
      same(value.patch?.removed, ["waiting"], "keys that were removed since");
    },
  },
  {
    name: "max-wait",
    rules: ["P8.6"],
    title: "goes on when the scheduler says that the longest wait is over, also while it polls",
    run: async (stage) => {
      const { connection, given } = await deferred(stage, { max_wait_ms: 60_000 });
      grant(connection, given, 1, MAX_WAIT);
      await completes(connection, given, ["MAX_WAIT"]);
      await stage.works(connection);
      same(connection.kinds(given.id), ["deferUntil", "complete"], "events about the lease");
    },
  },
  {
    name: "max-wait-late",
    rules: ["P8.6"],
    title: "takes the outcome of the grant, also when its own condition held",
    run: async (stage) => {
      const { connection, given } = await reclaiming(stage, { max_wait_ms: 60_000 });
      grant(connection, given, 1, MAX_WAIT);
      await completes(connection, given, ["MAX_WAIT"]);
    },
  },
  {
    name: "stale-grant",
    rules: ["P8.8"],
    title: "ignores a grant of an earlier deferral",
    run: async (stage) => {
      const { connection, given, files } = await reclaiming(stage, {}, 2);
      grant(connection, given, 1);
      await connection.next("deferUntil", given.id);
      grant(connection, given, 1);
      sayDeferred(connection, given, 2);
      await given.traced("poll", 2);
      grant(connection, given, 1, MAX_WAIT);
      await stage.works(connection);
      await connection.none(QUIET_MS, ["deferUntil", "reclaim", ...ENDS], given.id, "deferral 2 is not met");
      stage.make(files[1]);
      await connection.next("reclaim", given.id);
      grant(connection, given, 2);
      await completes(connection, given, ["MET", "MET"]);
    },
  },
  {
    name: "stale-deferred",
    rules: ["P8.8"],
    title: "ignores Deferred of an earlier deferral",
    run: async (stage) => {
      const { connection, given, files } = await reclaiming(stage, {}, 2);
      grant(connection, given, 1);
      await connection.next("deferUntil", given.id);
      stage.make(files[1]);
      const before = polls(given);
      sayDeferred(connection, given, 1);
      await stage.works(connection);
      await sleep(QUIET_MS);
      same(polls(given), before, "polls before Deferred of deferral 2");
      sayDeferred(connection, given, 2);
      await connection.next("reclaim", given.id);
    },
  },
  ...(["deferring", "deferred", "reclaiming", "granted"] as const).map(
    (state): Case => ({
      name: `cancel-${state}`,
      rules: ["P8.7"],
      title: `stops a task that is cancelled while it is ${state === "granted" ? "about to go on" : state}`,
      run: async (stage) => {
        const reach = { deferring, deferred, reclaiming, granted: reclaiming }[state];
        const { connection, given, files } = await reach(stage, {}, 2);
        if (state === "granted") {
          grant(connection, given, 1);
          cancel(connection, given);
        } else {
          cancel(connection, given);
          // What was on its way already.
          if (state === "deferring") sayDeferred(connection, given, 1);
          if (state === "reclaiming") grant(connection, given, 1);
        }
        await connection.nextOf(ENDS, given.id);
        must(connection.kinds(given.id).at(-1) === "stopped", `it said ${connection.kinds(given.id).join(", ")}`);
        same(given.trace().at(-1), "stopped", "last word in the trace when Stopped came");
        stage.make(files[0]);
        await connection.none(QUIET_MS, ["reclaim", ...ENDS], given.id, "it was cancelled");
        same(given.trace().at(-1), "stopped", "last word in the trace");
      },
    }),
  ),
  {
    name: "revoked-deferred",
    rules: ["P3.4"],
    title: "stops polling when its lease is revoked, and says nothing more about it",
    run: async (stage) => {
      const { connection, given, files } = await deferred(stage);
      connection.say({ case: "revoked", value: { leaseId: given.id, detail: "another has it" } });
      await given.traced("stopped");
      stage.make(files[0]);
      await connection.none(QUIET_MS, ["reclaim", ...ENDS], given.id, "it was revoked");
    },
  },
  {
    name: "many-deferred",
    rules: ["P2.2"],
    title: "has more leases deferred than it has slots, and executes others meanwhile",
    run: async (stage) => {
      const waiting: Deferral[] = [];
      for (let n = 0; n < 12; n++) waiting.push(await deferred(stage));
      const connection = await stage.connection();
      for (let n = 0; n < 4; n++) await stage.works(connection);
      for (const { files } of waiting) stage.make(files[0]);
      for (const { given } of waiting) {
        await connection.next("reclaim", given.id);
        grant(connection, given, 1);
        await completes(connection, given, ["MET"]);
      }
    },
  },
  {
    name: "checkpoint",
    rules: ["P5.4"],
    title: "commits with Checkpoint what the task did, and completes with what came after",
    run: async (stage) => {
      const connection = await stage.connection();
      const file = stage.file();
      const given = stage.give(connection, "checkpoint", { file });
      const { value } = await connection.next("checkpoint", given.id);
      same(value.patch?.set, { step: "1" }, "what is committed");
      stage.make(file);
      const completed = await connection.next("complete", given.id);
      same(completed.value.patch?.set, { done: "true" }, "what came after");
    },
  },
  {
    name: "checkpoint-resumed",
    rules: ["P5.3"],
    title: "goes on from what an execution committed that was lost",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "checkpoint", {}, { checkpoint: { set: { step: "1" } }, recovery: 1 });
      const { value } = await connection.next("complete", given.id);
      same(value.patch?.set, { resumed_at: "1", done: "true" }, "what was set");
      same(connection.kinds(given.id), ["complete"], "events about the lease");
    },
  },
];
