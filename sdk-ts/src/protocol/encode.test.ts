import { create, toBinary } from "@bufbuild/protobuf";
import { type HostEvent, HostEventSchema, LeaseState, WorkRequestSchema } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { encodeEvent, encodeHeartbeat, encodeHello, eventBytes } from "./encode.js";
import type { Hello, HostSays, WireWorkflow } from "./words.js";

const hello: Hello = {
  namespace: "n",
  hostId: "h",
  instanceId: "i",
  resumeToken: "t",
  buildId: "b",
  slots: 3,
  maxLeases: 9,
  labels: { zone: "a" },
  definitions: [],
  implementations: [],
  held: [],
};

/** A workflow of about so many bytes. */
const large = (name: string, bytes: number): WireWorkflow => ({
  name,
  description: "",
  tags: {},
  tasks: Array.from({ length: Math.ceil(bytes / 116) }, (_, n) => ({
    id: `${n}`.padStart(100, "t"),
    dependencies: [],
  })),
});

/** The parts of a Hello: how it says whether more comes, and what each brings. */
function partsOf(events: readonly HostEvent[]) {
  return events.map(({ seq, event }) => {
    expect(seq).toBe(0n);
    if (event.case !== "hello" && event.case !== "helloChunk") throw new Error(`${event.case} is no part of a Hello`);
    const { definitions, implementations, heldLeases, more } = event.value;
    return [event.case, more, definitions.map((d) => d.name), implementations.length, heldLeases.length] as const;
  });
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

describe("encodeHello (P1)", () => {
  it("says who the host is, in one message when it is short", () => {
    const [event, ...others] = encodeHello({ ...hello, held: [{ leaseId: "l", state: "DEFERRED", deferral: 2 }] });
    expect(others).toEqual([]);
    expect(event?.event.value).toMatchObject({
      protocolMin: 1,
      protocolMax: 1,
      namespace: "n",
      hostId: "h",
      instanceId: "i",
      resumeToken: "t",
      slots: 3,
      maxLeases: 9,
      labels: { zone: "a" },
      sdk: { language: "typescript" },
      heldLeases: [{ leaseId: "l", state: LeaseState.DEFERRED, deferral: 2 }],
      more: false,
    });
  });

  it("is chunked by the size of its definitions; implementations come last, since they refer to them", () => {
    const definitions = [large("a", 600_000), large("b", 600_000), large("c", 10), large("d", 3_000_000)];
    const implementations = [{ workflow: "a", tasks: [], anyVersion: false }];
    expect(partsOf(encodeHello({ ...hello, definitions, implementations }))).toEqual([
      ["hello", true, ["a"], 0, 0],
      ["helloChunk", true, ["b", "c"], 0, 0],
      ["helloChunk", true, ["d"], 0, 0],
      ["helloChunk", false, [], 1, 0],
    ]);
  });

  it("is chunked so that each part fits into a message, whatever it is long of (P10)", () => {
    const limit = 64 * 1024;
    const held = Array.from({ length: 3_000 }, (_, n) => ({ leaseId: `${n}`, state: "HELD", deferral: 0 }) as const);
    const definitions = [large("a", 30_000), large("b", 30_000), large("c", 60_000)];
    const tasks = Array.from({ length: 200 }, (_, n) => `${n}`.padStart(100, "t"));
    const implementations = ["a", "b", "c", "d"].map((workflow) => ({ workflow, tasks, anyVersion: true }));
    const events = encodeHello({ ...hello, held, definitions, implementations }, limit);
    const sizes = events.map(
      (event) => toBinary(WorkRequestSchema, create(WorkRequestSchema, { events: [event] })).length,
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limit);
    const parts = partsOf(events);
    expect(parts.map(([, more]) => more)).toEqual([...parts.slice(1).map(() => true), false]);
    expect(parts.flatMap(([, , names]) => names)).toEqual(["a", "b", "c"]);
    expect(sum(parts, ([, , , implementations]) => implementations)).toBe(4);
    expect(sum(parts, ([, , , , leases]) => leases)).toBe(3_000);
  });
});

describe("encodeEvent", () => {
  const patch = { set: { a: "1" }, removed: ["b"] };
  const failure = { code: "C", type: "T", message: "m", stack: "s" };
  const leaseId = "l";

  it.each<[HostSays, string, object]>([
    [{ type: "complete", leaseId, patch }, "complete", { leaseId, patch }],
    [
      { type: "fail", leaseId, failure, transient: false, final: true },
      "fail",
      { leaseId, failure, transient: false, final: true },
    ],
    [
      { type: "fail", leaseId, failure, transient: true, final: false, nextDelayMs: 0 },
      "fail",
      { leaseId, failure, transient: true, final: false, nextDelayMs: 0 },
    ],
    [
      { type: "defer", leaseId, n: 2, pollIntervalMs: 5, maxWaitMs: 7, description: "d", patch },
      "deferUntil",
      { leaseId, deferral: 2, pollIntervalMs: 5, maxWaitMs: 7, description: "d", checkpoint: patch },
    ],
    [{ type: "reclaim", leaseId, n: 2 }, "reclaim", { leaseId, deferral: 2 }],
    [{ type: "checkpoint", leaseId, patch }, "checkpoint", { leaseId, patch }],
    [{ type: "stopped", leaseId }, "stopped", { leaseId }],
    [{ type: "decline", leaseId, patch, reason: "r" }, "decline", { leaseId, checkpoint: patch, reason: "r" }],
    [{ type: "drain", reason: "r" }, "drain", { reason: "r" }],
    [
      {
        type: "register",
        offer: {
          definitions: [
            { name: "w", description: "d", tags: { t: "v" }, tasks: [{ id: "a", dependencies: ["b"], timeoutMs: 9 }] },
          ],
          implementations: [{ workflow: "w", tasks: ["a"], anyVersion: true }],
        },
      },
      "register",
      {
        definitions: [
          { name: "w", description: "d", tags: { t: "v" }, tasks: [{ id: "a", dependencies: ["b"], timeoutMs: 9 }] },
        ],
        implementations: [{ workflow: "w", tasks: ["a"], anyVersion: true }],
      },
    ],
  ])("says %o", (event, name, value) => {
    const encoded = create(HostEventSchema, encodeEvent({ seq: 7, event }));
    expect([encoded.seq, encoded.event.case]).toEqual([7n, name]);
    expect(encoded.event.value).toMatchObject(value);
  });

  it("says heartbeats without a number: they get no receipt", () => {
    const { seq, event } = encodeHeartbeat(5, 12);
    expect([seq, event.value]).toMatchObject([0n, { nonce: 5n, mainLoopLagMs: 12 }]);
  });
});

describe("eventBytes", () => {
  it("is large for what is large", () => {
    const patch = { set: { a: "x".repeat(1_000) }, removed: [] };
    expect(eventBytes({ seq: 1, event: { type: "complete", leaseId: "l", patch } })).toBeGreaterThanOrEqual(1_000);
    const offer = { definitions: [large("a", 50_000)], implementations: [] };
    expect(eventBytes({ seq: 1, event: { type: "register", offer } })).toBeGreaterThanOrEqual(50_000);
    const failure = { code: "C", type: "T", message: "m", stack: "s".repeat(5_000) };
    const fail = { type: "fail", leaseId: "l", failure, transient: false, final: true } as const;
    expect(eventBytes({ seq: 1, event: fail })).toBeGreaterThanOrEqual(5_000);
    expect(eventBytes({ seq: 1, event: { type: "stopped", leaseId: "l" } })).toBeLessThan(100);
  });
});
