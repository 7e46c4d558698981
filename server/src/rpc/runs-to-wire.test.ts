import { describe, expect, it } from "vitest";
import { compileGraph } from "../core/graph.js";
import type { TaskRun } from "../core/model.js";
import { PlainDraft } from "../testing/plain-draft.js";
import { taskRunToWire } from "./runs-to-wire.js";

const GRAPH = compileGraph({
  name: "etl",
  description: "",
  tags: {},
  tasks: [{ id: "a", dependencies: [], timeoutMs: 0 }],
});

describe("a task run's slot_held_ms", () => {
  const held = (slotSince: number | null, state: TaskRun["state"]): bigint => {
    const lease = { id: "r1.0.1", sessionId: "s1", hostId: "h1", deferral: null, slotSince };
    const task = { ...new PlainDraft(GRAPH).task(0), state, lease, slotHeldMs: 300 };
    return taskRunToWire(task, GRAPH, 10_000).slotHeldMs;
  };

  it("counts up to now while a slot is held", () => expect(held(9_000, "LEASED")).toBe(1_300n));
  it("stands still in a deferral", () => expect(held(null, "DEFERRED")).toBe(300n));
});
