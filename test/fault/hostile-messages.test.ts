/** Messages with odd values, and bytes that are nearly messages: each is answered with a code, and harms nobody else. */
import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { HostEventSchema, RunService, WorkflowService, WorkRequestSchema } from "@cloaca/protocol";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FUZZ_RUNS, FUZZ_SEED, inForm } from "../support/form.js";
import { expectCoded, HostileScene, UNARY } from "../support/hostile-scene.js";
import { oddMessage } from "../support/odd-messages.js";

const PATIENCE_MS = inForm(60_000, 1_800_000);

let scene: HostileScene;

beforeAll(async () => {
  scene = await HostileScene.start();
  console.log(`fuzz seed ${FUZZ_SEED}, ${FUZZ_RUNS} inputs for each`);
});

afterAll(() => scene.close("odd messages"));

const seeded = { seed: FUZZ_SEED, numRuns: FUZZ_RUNS } as const;
/** Bytes that are nearly right: one is another, or the end is missing. */
const spoil = fc.option(fc.record({ at: fc.nat(), by: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() }), {
  nil: null,
  freq: 2,
});

function spoiled(bytes: Uint8Array, how: { at: number; by: number; cut: boolean } | null): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  if (how === null || bytes.length === 0) return copy;
  const at = how.at % bytes.length;
  if (how.cut) return copy.subarray(0, at);
  copy[at] = (copy[at] ?? 0) ^ how.by;
  return copy;
}

describe("odd messages", () => {
  it.each(UNARY.map((method) => [`${method.parent.name}.${method.name}`, method] as const))(
    "%s answers each with a code",
    { timeout: PATIENCE_MS },
    async (_name, method) => {
      await fc.assert(
        fc.asyncProperty(oddMessage(method.input), spoil, async (message, how) => {
          expectCoded(await scene.call(method, spoiled(toBinary(method.input, message), how)));
        }),
        seeded,
      );
      await scene.expectUnharmed();
    },
  );

  it("a stream ends with a code, with any events after a good Hello or a bad one", {
    timeout: PATIENCE_MS,
  }, async () => {
    let instances = 0;
    const events = fc.array(oddMessage(HostEventSchema), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(events, fc.boolean(), fc.boolean(), spoil, async (random, isGood, isNumbered, how) => {
        const hello = {
          ...{
            protocolMin: 1,
            protocolMax: 1,
            hostId: `h${++instances}`,
            instanceId: `instance-${instances}`,
            slots: 1,
          },
          ...{ definitions: [{ name: "w", tasks: [{ id: "a" }] }], implementations: [{ workflow: "w" }] },
        };
        const first = create(HostEventSchema, { event: { case: "hello", value: hello } });
        const numbered = random.map((event, index) => (isNumbered ? { ...event, seq: BigInt(index + 1) } : event));
        const messages = [...(isGood ? [first] : []), ...numbered].map((event: Message) =>
          toBinary(WorkRequestSchema, create(WorkRequestSchema, { events: [event] } as never)),
        );
        const last = messages.at(-1);
        if (last !== undefined) messages.push(spoiled(last, how));
        expectCoded(await scene.stream(messages));
      }),
      { ...seeded, numRuns: 2 * FUZZ_RUNS },
    );
    await scene.expectUnharmed();
  });
});

describe("too much", () => {
  const register = WorkflowService.method.registerWorkflow.input;

  it("a message over the limit is refused, on its call alone", async () => {
    const definition = { name: "w", description: "x".repeat(5 * 1024 * 1024), tasks: [{ id: "a" }] };
    const code = await scene.call(
      WorkflowService.method.registerWorkflow,
      toBinary(register, create(register, { definition })),
    );
    expect(code).toBe(status.RESOURCE_EXHAUSTED);
    await scene.expectUnharmed();
  });

  it.each<[string, Record<string, string>, number[]]>([
    [
      "100,000 keys",
      Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, "1"])),
      [status.INVALID_ARGUMENT],
    ],
    ["a value of 3 MiB", { k: `"${"x".repeat(3 * 1024 * 1024)}"` }, [status.INVALID_ARGUMENT]],
    // JSON of any depth is JSON, and is never parsed to be passed on.
    [
      "a value nested 200,000 deep",
      { k: "[".repeat(200_000) + "]".repeat(200_000) },
      [status.OK, status.INVALID_ARGUMENT],
    ],
    ["a value that is nested and never closed", { k: "[".repeat(500_000) }, [status.INVALID_ARGUMENT]],
    ["a key of 1 MiB", { ["k".repeat(1024 * 1024)]: "1" }, [status.INVALID_ARGUMENT]],
  ])("a context with %s is answered", async (_name, context, codes) => {
    const { input } = RunService.method.startRun;
    const request = create(input, { run: { workflow: "load", context } });
    expect(codes).toContain(await scene.call(RunService.method.startRun, toBinary(input, request)));
    await scene.expectUnharmed();
  });
});
