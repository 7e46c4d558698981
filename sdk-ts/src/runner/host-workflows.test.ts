/** What a host brings, and how the scheduler hears of it: in the Hello, or after it. On the real wire. */
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { plainWorkflow } from "../fakes/plain-workflow.js";
import { hostScene } from "../fakes/served-host.js";
import { signal } from "../fakes/signal.js";
import type { WorkflowDefinition } from "../task/definition.js";

const scene = hostScene();

/** A workflow of about 100,000 bytes. */
function largeWorkflow(name: string): WorkflowDefinition {
  const ids = Array.from({ length: 1_000 }, (_, n) => [`${n}`.padStart(90, "t"), () => {}] as const);
  return plainWorkflow(name, Object.fromEntries(ids));
}

describe("workflows that come while the host runs", () => {
  const more = plainWorkflow("more", { a: () => {} });

  it("are registered on the connection that serves, and bound to their version", async () => {
    const { host } = scene.serve({ a: () => {} });
    const fake = await scene.scheduler.welcomed();
    await host.ready();
    const brought = host.bring(more);
    expect(host.bring(more)).toBe(brought);
    const { seq, value } = await fake.next("register");
    expect(value.definitions.map(({ name }) => name)).toEqual(["more"]);
    expect(value.implementations).toMatchObject([{ workflow: "more", tasks: [], anyVersion: false }]);
    fake.say({ case: "registered", value: { seq, workflows: [{ name: "more", version: "v7" }] } });
    expect(await brought).toBe("v7");
    fake.lease("one", "a", { workflow: "more", workflowVersion: "v7" });
    await fake.next("complete");
  });

  it("are not forgotten between a Hello and its Welcome", async () => {
    const { host } = scene.serve({ a: () => {} });
    const fake = await scene.scheduler.connection();
    host.register(more);
    host.implement("theirs", { id: "b", dependencies: [], wantsHandle: false, fn: () => {} });
    fake.welcome();
    expect((await fake.next("register")).value.definitions).toMatchObject([{ name: "more" }]);
    expect((await fake.next("register")).value.implementations).toMatchObject([
      { workflow: "theirs", anyVersion: true },
    ]);
  });

  it("that are refused tell who waits for them, and do not break the next Hello", async () => {
    const { host } = scene.serve({ a: () => {} });
    const fake = await scene.scheduler.welcomed();
    await host.ready();
    fake.holdReceipts();
    const brought = host.bring(more);
    const { seq } = await fake.next("register");
    fake.receipts(seq, { seq, result: 5, error: { code: "DEFINITION_INVALID", message: "no" } });
    await expect(brought).rejects.toMatchObject({ code: "DEFINITION_INVALID", message: "no" });
    fake.end();
    const next = await scene.scheduler.connection();
    expect(next.hello?.definitions.map(({ name }) => name)).toEqual(["work"]);
    next.welcome();
    await next.settled();
    expect(next.kinds()).not.toContain("register");
  });

  it("of the same name are registered one after the other, after each Hello, and find their own code (P13)", async () => {
    const ran: string[] = [];
    const { host } = scene.serve({ a: () => void ran.push("one") });
    host.register(plainWorkflow("work", { a: () => void ran.push("two"), b: () => {} }));
    for (let connection = 0; connection < 2; connection++) {
      const fake = await scene.scheduler.welcomed({ workflows: [{ name: "work", version: "v1" }] });
      expect(fake.hello?.definitions.map(({ tasks }) => tasks.length)).toEqual([1]);
      const { seq, value } = await fake.next("register");
      expect(value.definitions.map(({ tasks }) => tasks.length)).toEqual([2]);
      fake.say({ case: "registered", value: { seq, workflows: [{ name: "work", version: "v2" }] } });
      fake.lease(`${connection}-two`, "a", { workflowVersion: "v2" });
      await fake.next("complete");
      fake.lease(`${connection}-one`, "a", { workflowVersion: "v1" });
      await fake.next("complete");
      await fake.settled();
      fake.end();
    }
    expect(ran).toEqual(["two", "one", "two", "one"]);
  });
});

describe("a workflow that is larger than the scheduler takes in a message (P10)", () => {
  const large = largeWorkflow("large");
  const limits = { maxMessageBytes: 70_000, maxPatchBytes: 1_000, maxFailureBytes: 1_000 };
  const refusal = {
    code: "DEFINITION_INVALID",
    message: expect.stringMatching(/^workflow "large": takes \d+ bytes .* at most 70000; .*--max-message-bytes \d+/),
  };

  it("is told to who brings it, and nothing else hears of it", async () => {
    const go = signal();
    const { host, losses } = scene.serve({ a: () => go.fired });
    const fake = await scene.scheduler.welcomed({ limits });
    fake.lease("one", "a");
    await fake.settled();
    await expect(host.bring(large)).rejects.toMatchObject(refusal);
    await expect(host.bring(large)).rejects.toMatchObject(refusal);
    go.fire();
    await fake.next("complete");
    expect(fake.kinds()).not.toContain("register");
    expect(losses).toEqual([]);
  });

  it("is told when the limit is heard, if it came while no connection stood", async () => {
    const { host } = scene.serve({ a: () => {} });
    const fake = await scene.scheduler.connection();
    const brought = host.bring(large);
    fake.welcome({ limits });
    await expect(brought).rejects.toMatchObject(refusal);
    await fake.settled();
    expect(fake.kinds()).not.toContain("register");
  });

  it("ends a host that was to serve it from the start, whose Hello goes without it", async () => {
    const { host, ended } = scene.serve({ a: () => {} });
    host.register(large).register(largeWorkflow("larger"));
    const ready = host.ready();
    (await scene.scheduler.connection()).fail(
      status.RESOURCE_EXHAUSTED,
      "Received message larger than max (9 vs 8)",
      "RESOURCE_EXHAUSTED",
    );
    const fake = await scene.scheduler.welcomed({ limits });
    expect(fake.hello?.definitions.map(({ name }) => name)).toEqual(["work"]);
    const both = expect.stringMatching(/^host "host": 2 problems\n- workflow "large": .*\n- workflow "larger": /);
    await expect(ended).rejects.toMatchObject({ code: "DEFINITION_INVALID", message: both });
    await expect(ready).rejects.toMatchObject({ message: both });
  });

  it("is registered after the Hello where only that was too large for it", async () => {
    const { host } = scene.serve({ a: () => {} });
    const brought = host.bring(large);
    (await scene.scheduler.connection()).fail(
      status.RESOURCE_EXHAUSTED,
      "Received message larger than max (9 vs 8)",
      "RESOURCE_EXHAUSTED",
    );
    const fake = await scene.scheduler.welcomed();
    const { seq } = await fake.next("register");
    fake.say({ case: "registered", value: { seq, workflows: [{ name: "large", version: "v1" }] } });
    expect(await brought).toBe("v1");
  });
});

describe("a Hello that is long (P1)", () => {
  it("comes in chunks, and has everything in it", async () => {
    const ids = Array.from({ length: 12_000 }, (_, n) => [`${"t".repeat(60)}${n}`, () => {}] as const);
    const { host } = scene.serve({});
    for (const name of ["one", "two", "three"]) host.register(plainWorkflow(name, Object.fromEntries(ids)));
    const fake = await scene.scheduler.connection();
    const names = fake.hello?.definitions.map(({ name, tasks }) => [name, tasks.length]);
    expect(names).toEqual([
      ["work", 0],
      ["one", 12_000],
      ["two", 12_000],
      ["three", 12_000],
    ]);
    expect(fake.chunks).toBe(3);
    expect(fake.hello?.implementations).toHaveLength(4);
  });
});
