/** A person inspects and drives a live scheduler with grpcurl and buf curl alone: no SDK, no stubs, no .proto file. */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { grpcurl } from "../../scripts/grpcurl.mjs";
import { nodeBin } from "../../scripts/lib/process.mjs";
import { SchedulerProcess } from "../support/scheduler-process.js";

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, stdout: String(Buffer.concat(out)), stderr: String(Buffer.concat(err)) }),
    );
  });
}

const SERVICES = [
  "cloaca.v1.HostAdminService",
  "cloaca.v1.HostService",
  "cloaca.v1.RunService",
  "cloaca.v1.WorkflowService",
  "grpc.health.v1.Health",
];

let scheduler: SchedulerProcess;

beforeAll(async () => {
  scheduler = await SchedulerProcess.start("memory:", "--check-books");
});

afterAll(async () => {
  expect(scheduler.logs.filter((line) => line.event === "turn_failed" || line.event === "books_wrong")).toEqual([]);
  expect((await scheduler.end("SIGTERM")).code).toBe(0);
});

type Json = Record<string, unknown>;

/** Tools that make one call and print its JSON. */
type Call = (method: string, request: Json) => Promise<Json>;

/** Everything that a person does by hand, with any tool that can make calls. */
async function byHand(call: Call, name: string): Promise<void> {
  const definition = { name, tasks: [{ id: "fetch" }, { id: "report", dependencies: ["fetch"] }] };
  const registered = await call("WorkflowService/RegisterWorkflow", { definition });
  const registeredAt = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
  expect(registered).toMatchObject({
    workflow: { namespace: "default", name, current: true, taskCount: 2, registeredAt },
  });

  const { runId } = await call("RunService/StartRun", { run: { workflow: name, context: { day: '"monday"' } } });
  expect(runId).toMatch(/^r/);
  expect(await call("RunService/GetRun", { runId })).toMatchObject({
    run: { status: "RUN_STATUS_PENDING", taskCounts: { READY: 1, WAITING: 1 } },
  });

  // A host by hand: hello, and a lease comes.
  const hello = {
    protocolMin: 1,
    protocolMax: 1,
    hostId: `${name}-by-hand`,
    instanceId: `${name}-by-hand`,
    slots: 1,
    requestedTtlMs: 600_000,
    implementations: [{ workflow: name, anyVersion: true }],
  };
  const first = await call("HostService/Exchange", { events: [{ hello }] });
  const { sessionId, resumeToken } = event(first, "welcome");
  let ackResponseId = first["responseId"];
  let seq = 0;
  const exchange = async (...events: Json[]): Promise<Json> => {
    const numbered = events.map((said) => ({ seq: String(++seq), ...said }));
    const request = { sessionId, resumeToken, events: numbered, ackResponseId, waitMs: 5_000 };
    const response = await call("HostService/Exchange", request);
    ackResponseId = response["responseId"];
    return response;
  };
  /** Says something, and polls until an event of a kind comes. */
  const until = async (kind: string, ...events: Json[]): Promise<Json> => {
    for (let response = await exchange(...events), polls = 0; polls < 10; response = await exchange(), polls++) {
      const found = eventsOf(response).find((e) => kind in e);
      if (found !== undefined) return found[kind] as Json;
    }
    throw new Error(`no ${kind} came`);
  };

  const inFirst = eventsOf(first).find((e) => "lease" in e)?.["lease"] as Json | undefined;
  const lease = inFirst ?? (await until("lease"));
  expect(lease).toMatchObject({ workflow: name, task: "fetch", attempt: 1, input: { day: '"monday"' } });
  const { leaseId } = lease;
  // It waits for something: the slot goes back, and comes again.
  const deferred = await until("deferred", { deferUntil: { leaseId, deferral: 1, description: "the file" } });
  expect(deferred).toEqual({ leaseId, deferral: 1 });
  const { taskRuns } = await call("RunService/ListTaskRuns", { runId });
  expect(taskRuns).toMatchObject([
    { task: "fetch", state: "TASK_RUN_STATE_DEFERRED", waitingFor: "the file" },
    { task: "report", state: "TASK_RUN_STATE_WAITING", reason: "waits for 1 of 1 dependencies" },
  ]);
  expect(await call("HostAdminService/ListHosts", {})).toMatchObject({
    hosts: expect.arrayContaining([expect.objectContaining({ hostId: `${name}-by-hand`, slots: 1, deferred: 1 })]),
  });
  const granted = await until("slotGranted", { reclaim: { leaseId, deferral: 1 } });
  expect(granted).toMatchObject({ leaseId, deferral: 1, outcome: "DEFERRAL_OUTCOME_MET" });
  const second = await until("lease", { complete: { leaseId, patch: { set: { rows: "3" } } } });
  expect(second).toMatchObject({ task: "report", input: { day: '"monday"', rows: "3" } });
  await until("receipts", { complete: { leaseId: second["leaseId"], patch: { set: { done: "true" } } } });

  expect(await call("RunService/GetRun", { runId, waitMs: 5_000 })).toMatchObject({
    run: { status: "RUN_STATUS_SUCCEEDED", context: { day: '"monday"', rows: "3", done: "true" } },
  });
}

function eventsOf(response: Json): Json[] {
  return (response["events"] ?? []) as Json[];
}

function event(response: Json, kind: string): Json {
  const found = eventsOf(response).find((e) => kind in e);
  if (found === undefined) throw new Error(`no ${kind} in ${JSON.stringify(response)}`);
  return found[kind] as Json;
}

// `npm test` says when it is missing, and fails for it in CI.
const found = grpcurl();

describe.skipIf("missing" in found)("grpcurl", () => {
  const plaintext = (...args: readonly string[]): Promise<Result> =>
    run("path" in found ? found.path : "", ["-plaintext", ...args]);

  async function call(method: string, request: Json): Promise<Json> {
    const service = method.startsWith("grpc.") ? method : `cloaca.v1.${method}`;
    const { code, stdout, stderr } = await plaintext("-d", JSON.stringify(request), scheduler.address, service);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Json;
  }

  it("lists the services and describes them, comments included", async () => {
    const list = await plaintext(scheduler.address, "list");
    expect(list.stdout.trim().split("\n")).toEqual(SERVICES);
    const methods = await plaintext(scheduler.address, "list", "cloaca.v1.RunService");
    expect(methods.stdout).toContain("cloaca.v1.RunService.WatchRuns");
    const service = await plaintext(scheduler.address, "describe", "cloaca.v1.RunService");
    expect(service.stdout).toContain("// Starts a run of a registered workflow. Idempotent by `request_id`.");
    const message = await plaintext(scheduler.address, "describe", "cloaca.v1.DeferUntil");
    expect(message.stdout).toMatch(/uint32 max_wait_ms = 4/);
    expect(message.stdout).toContain("// How often the host polls the condition");
  });

  it.each([...SERVICES, "google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"])(
    "describes %s without a complaint",
    async (symbol) => {
      const { code, stderr, stdout } = await plaintext(scheduler.address, "describe", symbol);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(symbol);
    },
  );

  it("asks for its health", async () => {
    for (const service of ["", ...SERVICES.filter((s) => s.startsWith("cloaca"))]) {
      expect(await call("grpc.health.v1.Health/Check", { service })).toEqual({ status: "SERVING" });
    }
    expect(await call("grpc.health.v1.Health/List", {})).toMatchObject({ statuses: { "": { status: "SERVING" } } });
  });

  it("shows errors with their code and every problem", async () => {
    const definition = { name: "bad", tasks: [{ id: "a", dependencies: ["b"] }, { id: "a" }] };
    const request = JSON.stringify({ definition });
    const { code, stderr } = await plaintext(
      "-d",
      request,
      scheduler.address,
      "cloaca.v1.WorkflowService/RegisterWorkflow",
    );
    expect(code).not.toBe(0);
    for (const words of [
      "Code: InvalidArgument",
      '"@type": "type.googleapis.com/google.rpc.ErrorInfo"',
      '"reason": "DEFINITION_INVALID"',
      '"@type": "type.googleapis.com/google.rpc.BadRequest"',
      '"field": "definition.tasks[0].dependencies[0]"',
      '"field": "definition.tasks[1].id"',
    ]) {
      expect(stderr).toContain(words);
    }
  });

  it("refuses a context key that JavaScript would lose", async () => {
    const key = "__proto__";
    const request = { run: { workflow: "any", context: { [key]: "1", b: "2" } } };
    await expect(call("RunService/StartRun", request)).rejects.toThrow(
      'run.context["__proto__"]: the key "__proto__" is',
    );
  });

  it("registers, starts, and executes a task by hand, deferral included", () => byHand(call, "grpcurl"));

  it("watches a run to its end", async () => {
    const definition = { name: "watched", tasks: [{ id: "a" }] };
    await call("WorkflowService/RegisterWorkflow", { definition });
    const { runId } = await call("RunService/StartRun", { run: { workflow: "watched" } });
    const request = JSON.stringify({ runId });
    const watching = plaintext("-d", request, scheduler.address, "cloaca.v1.RunService/WatchRuns");
    await call("RunService/CancelRun", { runId, reason: "seen enough" });
    const { code, stdout } = await watching;
    expect(code).toBe(0);
    for (const type of ["RUN_STARTED", "TASK_READY", "TASK_CANCELLED", "RUN_CANCELLED"]) {
      expect(stdout).toContain(`"type": "RUN_EVENT_TYPE_${type}"`);
    }
    expect(stdout).toContain('"reason": "seen enough"');
  });
});

describe("buf curl", () => {
  const [node, ...buf] = nodeBin("buf");
  const curl = (...args: readonly string[]): Promise<Result> =>
    run(node, [...buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", ...args]);
  const url = (method = ""): string => `http://${scheduler.address}${method}`;

  async function call(method: string, request: Json): Promise<Json> {
    const { code, stdout, stderr } = await curl("-d", JSON.stringify(request), url(`/cloaca.v1.${method}`));
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Json;
  }

  it("lists services and methods", async () => {
    const services = await curl("--list-services", url());
    expect(services.stdout.trim().split("\n").sort()).toEqual(SERVICES);
    const methods = await curl("--list-methods", url());
    expect(methods.stdout).toContain("cloaca.v1.HostService/Exchange");
  });

  it("registers, starts, and executes a task by hand, deferral included", () => byHand(call, "bufcurl"));

  it("shows an error's code and message", async () => {
    const request = JSON.stringify({ run: { workflow: "no-such-workflow" } });
    const { code, stderr } = await curl("-d", request, url("/cloaca.v1.RunService/StartRun"));
    expect(code).not.toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({
      code: "not_found",
      message: expect.stringContaining('has no workflow "no-such-workflow"'),
      details: [{ type: "google.rpc.ErrorInfo" }],
    });
  });
});
