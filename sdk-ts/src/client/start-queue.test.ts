import { describe, expect, it } from "vitest";
import { CloacaError, RemoteError } from "../errors/index.js";
import type { StartedRun, StartSpec } from "../protocol/run-calls.js";
import { StartQueue } from "./start-queue.js";

const started: StartedRun = { runId: "r", workflowVersion: "v", existing: false };

function spec(more: Partial<StartSpec> = {}): StartSpec {
  const nothing = { version: "", context: {}, priority: 0, labels: {}, traceparent: "", timeoutMs: 0 };
  return { workflow: "one", requestId: "q", ...nothing, ...more };
}

/** A queue whose messages are refused as `refuse` says, and the number of starts in each message that it sent. */
function queueOf(refuse: (specs: readonly StartSpec[]) => Error | null) {
  const sent: number[] = [];
  const queue = new StartQueue((specs) => {
    sent.push(specs.length);
    const error = refuse(specs);
    return error === null ? Promise.resolve(specs.map(() => started)) : Promise.reject(error);
  });
  return { queue, sent };
}

function codes(ends: readonly PromiseSettledResult<StartedRun>[]): string[] {
  return ends.map((end) => (end.status === "fulfilled" ? "started" : (end.reason as CloacaError).code));
}

const tooLarge = () =>
  new RemoteError("RESOURCE_EXHAUSTED", "message larger than max", { status: "RESOURCE_EXHAUSTED" });

describe("StartQueue", () => {
  it.each<[string, Partial<StartSpec>]>([
    ["labels", { labels: { note: "x".repeat(6_000) } }],
    ["a context of characters of three bytes", { context: { note: "…".repeat(2_000) } }],
    ["many short keys", { context: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, "1"])) }],
  ])("counts the bytes of %s", async (_name, more) => {
    const { queue, sent } = queueOf(() => null);
    await Promise.all(Array.from({ length: 1_000 }, () => queue.add(spec(more))));
    expect(Math.max(...sent)).toBeLessThan(200);
    expect(sent.reduce((sum, count) => sum + count)).toBe(1_000);
  });

  it("says the others again when a message was refused for one of them", async () => {
    const isBad = ({ workflow }: StartSpec) => workflow === "bad";
    const { queue, sent } = queueOf((specs) => (specs.some(isBad) ? new CloacaError("REQUEST_INVALID", "no") : null));
    const names = ["a", "b", "bad", "c", "d"];
    const ends = await Promise.allSettled(names.map((workflow) => queue.add(spec({ workflow }))));
    expect(codes(ends)).toEqual(["started", "started", "REQUEST_INVALID", "started", "started"]);
    expect(sent).toEqual([5, 3, 2, 2, 1]);
  });

  it("makes messages smaller for a scheduler that takes less, and tells of what is too large alone", async () => {
    const { queue } = queueOf((specs) =>
      specs.length > 3 || specs.some(({ context }) => "big" in context) ? tooLarge() : null,
    );
    const small = Array.from({ length: 20 }, () => queue.add(spec()));
    const big = queue.add(spec({ context: { big: "x".repeat(100) } }));
    expect(codes(await Promise.allSettled(small))).toEqual(new Array(20).fill("started"));
    await expect(big).rejects.toMatchObject({
      code: "CONTEXT_TOO_LARGE",
      message: expect.stringMatching(/^context has about 1\d\d bytes, more than .*larger than max.*; keep large data/),
      details: { problems: [{ path: "context" }] },
    });
  });

  it("says nothing again that may have been heard, or that a proxy has put off", async () => {
    for (const error of [
      new RemoteError("INTERNAL", "lost", { status: "INTERNAL" }),
      new RemoteError("RESOURCE_EXHAUSTED", "slow down", { status: "RESOURCE_EXHAUSTED" }),
      new RemoteError("RESOURCE_EXHAUSTED", "request rate exceeds the limit", { status: "RESOURCE_EXHAUSTED" }),
    ]) {
      const { queue, sent } = queueOf(() => error);
      const ends = await Promise.allSettled([queue.add(spec()), queue.add(spec())]);
      expect(codes(ends)).toEqual([error.code, error.code]);
      expect(sent).toEqual([2]);
    }
  });
});
