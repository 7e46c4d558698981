import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  GetRunRequestSchema,
  StartRunsRequestSchema,
  StartRunsResponseSchema,
  WatchRunsResponseSchema,
  WorkRequestSchema,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import type { CloacaError } from "./core/errors.js";
import { seededIds } from "./seeded-ids.js";
import { type SimulatedScheduler, simulate } from "./simulated-scheduler.js";
import { ManualTime } from "./testing/manual-time.js";

function simulation(seed = "1") {
  const time = new ManualTime();
  const defects: string[] = [];
  return { time, defects, scheduler: simulate({ time, seed, onDefect: (event) => defects.push(event) }) };
}

function connect(scheduler: SimulatedScheduler) {
  const heard: string[] = [];
  const ends: (CloacaError | null)[] = [];
  const stream = scheduler.connect({
    heard: (message) => heard.push(...fromBinary(WorkResponseSchema, message).events.map((e) => e.event.case ?? "")),
    ended: (error) => ends.push(error),
  });
  return { heard, ends, stream };
}

const definition = { name: "work", tasks: [{ id: "a" }] };
const HELLO = {
  protocolMin: 1,
  protocolMax: 1,
  hostId: "host",
  instanceId: "instance-1",
  sdk: { name: "test", version: "1", language: "test" },
  slots: 1,
  definitions: [definition],
  implementations: [{ workflow: "work" }],
};

function message(...events: NonNullable<Parameters<typeof create<typeof WorkRequestSchema>>[1]>["events"] & object) {
  return toBinary(WorkRequestSchema, create(WorkRequestSchema, { events }));
}

describe("a simulated scheduler", () => {
  it("speaks the bytes of the protocol with a host, and runs what it registers", async () => {
    const { time, scheduler, defects } = simulation();
    const { heard, stream } = connect(scheduler);
    stream.send(message({ event: { case: "hello", value: HELLO } }));
    await time.settle();
    expect(heard).toEqual(["welcome"]);
    const request = toBinary(StartRunsRequestSchema, create(StartRunsRequestSchema, { runs: [{ workflow: "work" }] }));
    const answer = scheduler.call("startRuns", request);
    await time.settle();
    const [started] = fromBinary(StartRunsResponseSchema, await answer).results;
    expect(started?.result.case).toBe("started");
    const runId = started?.result.case === "started" ? started.result.value.runId : "";
    let ended = 0;
    scheduler.onRunEnd(runId, () => void ended++);
    expect(heard).toEqual(["welcome", "lease"]);
    stream.send(message({ seq: 1n, event: { case: "complete", value: { leaseId: `${runId}.0.1` } } }));
    await time.settle();
    expect(ended).toBe(1);
    const { events } = fromBinary(WatchRunsResponseSchema, await scheduler.readLog(runId));
    expect(events.map(({ task, slotDelta }) => `${task} ${slotDelta}`)).toEqual([" 0", "a 0", "a 1", "a -1", " 0"]);
    expect(defects).toEqual([]);
  });

  it("keeps a silent session for as long as virtual time can leap", async () => {
    const { time, scheduler } = simulation();
    const { heard, ends, stream } = connect(scheduler);
    stream.send(message({ event: { case: "hello", value: HELLO } }));
    await time.settle();
    await time.advance(20 * 24 * 3_600_000);
    expect(heard).toEqual(["welcome"]);
    expect(ends).toEqual([]);
  });

  it("refuses what a server refuses, with its codes", async () => {
    const { time, scheduler } = simulation();
    const { ends, stream } = connect(scheduler);
    stream.send(new Uint8Array([255, 255, 255]));
    await time.settle();
    expect(ends).toMatchObject([{ code: "REQUEST_INVALID" }]);
    await expect(scheduler.call("getRun", new Uint8Array([255]))).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    const unknown = toBinary(GetRunRequestSchema, create(GetRunRequestSchema, { runId: "r0" }));
    await expect(scheduler.call("getRun", unknown)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  it("has ids that its seed decides, none of them twice", () => {
    const idsOf = (seed: string) => {
      const ids = seededIds(seed);
      return [ids.runId(5), ids.runId(5), ids.sessionId(), ids.secret()];
    };
    expect(idsOf("1")).toEqual(idsOf("1"));
    expect(new Set([...idsOf("1"), ...idsOf("2")]).size).toBe(8);
  });
});
