/** What a client may be given, in a program and in a browser: wrong input is refused with all that is wrong, and harms no other. */
import { type RunningServer, startServer } from "@cloaca/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CloacaError, InputError, OptionsError, RemoteError } from "../errors/index.js";
import { workflow } from "../task/workflow.js";
import { WorkflowBuilder } from "../task/workflow-builder.js";
import { Client as BrowserClient } from "./browser-client.js";
import { Client as NodeClient } from "./client.js";

const quiet = { info() {}, warn() {}, error() {} };
const one = workflow("one", ({ task }) => {
  task({ id: "a" }, () => {});
});

/** Values as a program in JavaScript may write them. */
const loose = (value: unknown): never => value as never;

/** Path and message of each problem that a call is refused with. */
async function problemsOf(call: () => unknown): Promise<string[]> {
  try {
    await call();
  } catch (error) {
    if (error instanceof OptionsError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

/** Without what would be right, which is long. */
async function found(call: () => unknown): Promise<string[]> {
  return (await problemsOf(call)).map((problem) => problem.replace(/;.*/, ""));
}

let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ address: "127.0.0.1:0", store: "memory:", log: quiet });
});

afterAll(() => server.stop());

describe.each([
  ["by gRPC", () => new NodeClient({ url: `grpc://${server.address}` })],
  ["in a browser", () => new BrowserClient({ url: `http://${server.address}` })],
])("a client %s", (_name, connect) => {
  let client: BrowserClient;

  beforeAll(async () => {
    client = connect();
    await client.register(one);
  });

  afterAll(() => client.close());

  it("refuses a start that is wrong, alone", async () => {
    const wrong = {
      timeoutMs: -1,
      priority: 1e12,
      prioritty: 5,
      labels: { a: 5, "": "b" },
      requestId: 7,
      version: null,
    };
    const starts = [client.start("one"), client.start("one", {}, loose(wrong)), client.start("one")];
    const ends = await Promise.allSettled(starts);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await found(() => starts[1])).toEqual([
      "timeoutMs: is the number -1",
      "priority: is the number 1000000000000",
      'prioritty: "prioritty" is not an option of client.start',
      'labels["a"]: is the number 5',
      'labels[""]: the name is empty',
      "requestId: is the number 7",
      "version: is null",
    ]);
    await expect(starts[1]).rejects.toThrow('did you mean "priority"?');
    expect(await found(() => client.start(loose(undefined), {}, loose("x")))).toEqual([
      "workflow: is undefined",
      ': the options are the string "x"',
    ]);
    expect(await found(() => client.start("no name"))).toEqual(['workflow: "no name" contains " "']);
  });

  it("starts a thousand runs with long labels at once", async () => {
    const labels = { note: "x".repeat(6_000) };
    const started = await client.startMany("one", new Array(1_000).fill({}), { labels });
    expect(started.filter((run) => run instanceof Error)).toEqual([]);
  });

  it("says how large a context is that is too large, and what to do", async () => {
    const texts = [3e6, 10e6, 1].map((length) => "x".repeat(length));
    const ends = await Promise.allSettled(texts.map((text) => client.start("one", { text })));
    const refused = { status: "rejected", reason: { code: "CONTEXT_TOO_LARGE" } };
    expect(ends).toMatchObject([refused, refused, { status: "fulfilled" }]);
    const [large, larger] = ends.map((end) => (end.status === "rejected" ? String(end.reason.message) : ""));
    expect(large).toContain("context has 3000022 bytes, the limit is 2097152");
    expect(larger).toMatch(/^context has about 10000022 bytes, more than .*; keep large data elsewhere/);
  });

  it("says which workflow is too large to be registered", async () => {
    const large = { ...one, name: "large", description: "x".repeat(5e6) };
    await expect(client.register(large)).rejects.toMatchObject({
      code: "DEFINITION_INVALID",
      message: expect.stringMatching(/^workflow "large" has 50000\d\d bytes, more than .*; shorten its ids/),
    });
  });

  it("starts those of many that can be started, and says of each other why not", async () => {
    const inputs = [{ a: 1 }, { a: Number.NaN, b: { c: undefined } }, { a: "x".repeat(3e6) }, loose(null), { a: 2 }];
    const [first, notJson, tooLarge, nothing, last] = await client.startMany("one", inputs);
    expect([first, last]).toMatchObject([{ existing: false }, { existing: false }]);
    expect(notJson).toBeInstanceOf(InputError);
    expect((notJson as InputError).problems.map(({ path }) => path)).toEqual(["inputs[1].a", "inputs[1].b.c"]);
    expect(tooLarge).toBeInstanceOf(RemoteError);
    expect(tooLarge).toMatchObject({
      code: "CONTEXT_TOO_LARGE",
      message: expect.stringMatching(/^inputs\[2\]: context has /),
    });
    expect(nothing).toMatchObject({
      message: 'input of workflow "one": inputs[3]: is null; an input is a plain object',
    });
    const [nowhere] = await client.startMany("nowhere", [{}]);
    expect(nowhere).toMatchObject({ code: "WORKFLOW_NOT_FOUND", message: expect.stringMatching(/^inputs\[0\]: /) });
  });

  it("starts none of many where what they share is wrong, or the schema is broken", async () => {
    expect(await found(() => client.startMany("one", loose({}), loose({ requestId: "q", timeoutMs: 0.5 })))).toEqual([
      "inputs: is an object",
      'requestId: "requestId" is not an option of client.startMany',
      "timeoutMs: is the number 0.5",
    ]);
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) => {
          if ((value as { n: number }).n === 2) throw new TypeError("broken");
          return { value: value as object };
        },
      },
    };
    const broken = workflow("broken", { input: schema }, ({ task }) => {
      task({ id: "a" }, () => {});
    });
    await client.register(broken);
    await expect(client.startMany(broken, [{ n: 1 }, { n: 2 }])).rejects.toThrow(new TypeError("broken"));
    expect((await client.list({ workflow: "broken" })).runs).toEqual([]);
  });

  it("refuses what its methods do not know, all of it at once", async () => {
    const query = { statuses: ["DONE", "FAILD", 5], status: "DONE", pageSize: -1, workflow: 5, pageToken: null };
    expect(await found(() => client.list(loose(query)))).toEqual([
      expect.stringMatching(/^statuses\[0\]: "DONE" is not one of PENDING, RUNNING, /),
      expect.stringMatching(/^statuses\[1\]: "FAILD" is not one of /),
      "statuses[2]: is the number 5",
      'status: "status" is not an option of client.list',
      "pageSize: is the number -1",
      "workflow: is the number 5",
      "pageToken: is null",
    ]);
    await expect(client.list(loose({ statuses: ["FAILD"] }))).rejects.toMatchObject({
      message: expect.stringContaining('did you mean "FAILED"?'),
      problems: [{ path: "statuses[0]", nearest: "FAILED", allowed: expect.arrayContaining(["PAUSED"]) }],
    });
    const watch = () => client.watch(loose({ types: ["NOPE"], fromStart: 1 }), loose({})).next();
    expect(await found(watch)).toEqual([
      "signal: is an object",
      expect.stringMatching(/^types\[0\]: "NOPE" is not one of RUN_STARTED, /),
      "fromStart: is the number 1",
    ]);
    expect(await found(() => client.drainHost("h", { graceMs: -1, reason: loose(5) }))).toEqual([
      "graceMs: is the number -1",
      "reason: is the number 5",
    ]);
    expect(await found(() => client.get(loose(undefined)))).toEqual(["runId: is missing"]);
    expect(await found(() => client.cancel(loose(5), loose({})))).toEqual([
      "runId: is the number 5",
      "reason: is an object",
    ]);
    expect(await found(() => client.explain("r", loose(["a", 5])))).toEqual(["tasks[1]: is the number 5"]);
    expect(await found(() => client.retry("r", loose({ requestID: "q" })))).toHaveLength(1);
  });

  const byHand = { name: "one", description: "", tags: {} };
  const task = { id: "a", dependencies: [], fn: () => {} };
  it.each<[unknown, string[]]>([
    [undefined, ["workflow: is undefined"]],
    ["one", ['workflow: is the string "one"']],
    [new WorkflowBuilder("one"), ["workflow: is a WorkflowBuilder"]],
    [{ ...byHand, tasks: [null] }, ["tasks[0]: is null"]],
    [
      { name: "one", tasks: [{ id: "a", dependencies: [] }] },
      [
        "workflow.description: is undefined, not text, which may be empty",
        "workflow.tags: is undefined, not an object whose values are text",
        "tasks[0].fn: is undefined, not a function",
      ],
    ],
    [
      { ...byHand, tasks: [{ ...task, retry: null, triggerRule: null }] },
      ["tasks[0].retry: is null, not a retry policy", "tasks[0].triggerRule: is null, not a rule"],
    ],
    [
      Object.freeze({ ...byHand, tasks: [{ ...task, timeoutMs: -1 }] }),
      [expect.stringMatching(/^workflow: does not fit the protocol \(.*invalid uint32: -1\)/)],
    ],
  ])("registers no %j, as a host does not", async (value, problems) => {
    expect(await found(() => client.register(loose(value)))).toEqual(problems);
  });

  it("waits with a signal of a library, which need not throw", async () => {
    const signal = { aborted: true, reason: new Error("enough"), addEventListener() {}, removeEventListener() {} };
    await expect(client.wait("r", loose(signal))).rejects.toThrow("enough");
    await expect(client.wait("r", loose({ ...signal, reason: undefined }))).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(await found(() => client.wait("r", loose({ throwIfAborted() {} })))).toEqual(["signal: is an object"]);
  });

  it("says that it was closed", async () => {
    const closed = connect();
    closed.close();
    for (const call of [() => closed.list(), () => closed.start("one"), () => closed.watch().next()]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CloacaError);
      expect(error).toMatchObject({ code: "CLIENT_CLOSED" });
    }
    expect(await closed.startMany("one", [{}, {}])).toMatchObject([
      { code: "CLIENT_CLOSED" },
      { code: "CLIENT_CLOSED" },
    ]);
  });
});

describe.each([
  ["by gRPC", NodeClient, "grpc://host:port"],
  ["in a browser", BrowserClient, "http://host:port"],
])("the options of a client %s", (_name, Client, form) => {
  it.each([
    [undefined, [": the options are undefined; write an object with url, namespace, callTimeoutMs"]],
    ["grpc://h:1", [': the options are the string "grpc://h:1"; write an object with url, namespace, callTimeoutMs']],
    [{}, [`url: is missing; write ${form}`]],
    [{ url: 5 }, [`url: is the number 5; write ${form}`]],
  ])("are refused when they are %j", async (options, problems) => {
    expect(await problemsOf(() => new Client(loose(options)))).toEqual(problems);
  });

  it("are refused with all problems at once", async () => {
    const options = { url: "ftp://h", namespace: "a b", callTimeoutMs: "x", slotz: 1 };
    expect(await found(() => new Client(loose(options)))).toEqual([
      expect.stringMatching(/^url: ftp:\/\/h: this is no address of a scheduler/),
      'namespace: "a b" contains " "',
      'callTimeoutMs: is the string "x"',
      'slotz: "slotz" is not an option of a client',
    ]);
    for (const callTimeoutMs of [-1, 0, Number.NaN, 2 ** 31]) {
      expect(await problemsOf(() => new Client({ url: "grpc://h:1", callTimeoutMs }))).toEqual([
        `callTimeoutMs: is the number ${callTimeoutMs}; allowed are whole numbers from 1 to 2147483647 milliseconds`,
      ]);
    }
  });
});
