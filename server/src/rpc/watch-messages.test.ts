import { create, toBinary } from "@bufbuild/protobuf";
import { WatchRunsResponseSchema } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { compileGraph } from "../core/graph.js";
import type { RunEvent } from "../core/model.js";
import type { EventChunk } from "../store/store.js";
import { workflowOf } from "../testing/scripted-host.js";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.js";
import { watchMessages } from "./watch-messages.js";

const graph = compileGraph(workflowOf("w", { a: [] }));
const failure = { code: "TASK_FAILED", type: "Error", message: "m".repeat(4_000), stack: "s".repeat(12_000) };
const START: Cursor = { position: 0, told: 0 };

function chunk(position: number, events: readonly Omit<RunEvent, "at">[]): EventChunk {
  return {
    position,
    namespace: "default",
    runId: "r1",
    workflow: "w",
    graph,
    events: events.map((e) => ({ at: 1, ...e })),
  };
}

/** 300 failures of 16 KB: more than a message of 4 MiB. */
const large = Array.from({ length: 300 }, (_, i) => ({ seq: i + 2, type: "TASK_FAILED" as const, task: 0, failure }));
const chunks = [
  chunk(1, [{ seq: 1, type: "RUN_STARTED" }]),
  chunk(2, large),
  chunk(3, [{ seq: 302, type: "RUN_FAILED" }]),
];
const all = (begin = START) => [...watchMessages({ chunks, position: 3, more: false }, begin, () => true)];

describe("watchMessages", () => {
  it("P10: cuts what is too much for a message, in the middle of a chunk too", () => {
    const messages = all();
    expect(messages.length).toBeGreaterThan(2);
    for (const { events } of messages) {
      expect(toBinary(WatchRunsResponseSchema, create(WatchRunsResponseSchema, { events })).length).toBeLessThan(
        3_000_000,
      );
    }
    expect(messages.flatMap(({ events }) => events.map((e) => Number(e.eventSeq)))).toEqual(
      Array.from({ length: 302 }, (_, i) => i + 1),
    );
    expect(messages.map(({ isEnd }) => isEnd).lastIndexOf(false)).toBe(messages.length - 2);
    expect(messages.at(-1)?.cursor).toEqual({ position: 3, told: 0 });
  });

  it("goes on after the cursor of each: none is missed and none comes twice", () => {
    let told = 0;
    for (const { events, cursor } of all()) {
      told += events.length;
      const read = decodeCursor(encodeCursor(cursor), 3);
      expect(read).toEqual(cursor);
      const rest = chunks.filter(({ position }) => position > read.position);
      const after = [...watchMessages({ chunks: rest, position: 3, more: false }, read, () => true)];
      expect(Number(after[0]?.events[0]?.eventSeq ?? 303)).toBe(told + 1);
      expect(after.flatMap((m) => m.events)).toHaveLength(302 - told);
    }
  });

  it("passes over what nobody wants, and still sees the end", () => {
    const messages = [
      ...watchMessages({ chunks, position: 3, more: false }, START, (_, type) => type === "RUN_STARTED"),
    ];
    expect(messages.map(({ events, isEnd }) => [events.length, isEnd])).toEqual([[1, true]]);
  });
});
