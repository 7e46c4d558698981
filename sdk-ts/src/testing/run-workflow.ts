/** A whole workflow: the real scheduler in memory, the session of a real host, and a virtual clock. */
import { CloacaError, RemoteError } from "../errors/index.js";
import { type InMemoryPeer, inMemoryCalls, inMemoryLog } from "../protocol/in-memory.js";
import { cancelRun, explainRun, getRun, listTaskRuns, type StartedRun, startRuns } from "../protocol/run-calls.js";
import { loadServer } from "../runner/embedded.js";
import { Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";
import { contextToWire } from "../task/context-wire.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import { inputToWire } from "../task/input.js";
import { scriptsOf } from "./condition-script.js";
import { HostInMemory } from "./host-in-memory.js";
import { instrument } from "./instrument.js";
import { TestStuckError } from "./stuck-error.js";
import { TaskRecord } from "./task-record.js";
import { clockOf, DEFAULT_PATIENCE_MS, LONGEST_MS } from "./test-options.js";
import { worldOf } from "./virtual-clock.js";
import { waitingLines, whyStuck } from "./waiting.js";
import { checkWorkflowOptions, type Replacement, type RunWorkflowOptions } from "./workflow-options.js";
import { WorkflowReport } from "./workflow-report.js";
import type { LoopEnd, World } from "./world.js";

/** What comes after the workflow. The input may be left out where the workflow needs none. */
export type RunWorkflowArguments<Input extends object> =
  Record<never, never> extends Input
    ? [input?: Context<object> | Input, options?: RunWorkflowOptions]
    : [input: Context<object> | Input, options?: RunWorkflowOptions];

/**
 * Runs a workflow to its end, in memory and on a virtual clock: the real scheduler, with retries, deadlines, trigger rules and
 * slots as they are. Time passes only while everything waits for it, so that hours take milliseconds, and the same code with
 * the same seed gives the same time line.
 *
 * ```ts
 * const run = await runWorkflow(etl, { day: "2026-11-24" }, { slots: 1, conditions: { wait_for_file: [false, "a.csv"] } });
 * expect(run.status).toBe("SUCCEEDED");
 * expect(run.task("wait_for_file").deferrals[0]?.waitedMs).toBe(1_000);
 * expect(run.slots.map((span) => span.task)).toEqual(["wait_for_file", "other", "wait_for_file"]);
 * ```
 *
 * A run that fails is a result, no error. Needs @cloaca/server.
 *
 * @throws OptionsError, InputError with everything that is wrong with what was passed
 * @throws TestStuckError when the run does not go on, with what waits for what
 * @throws CloacaError `SERVER_MISSING` when @cloaca/server is not installed
 */
export async function runWorkflow<Input extends object = OpenValues>(
  workflow: WorkflowDefinition<Input>,
  ...args: RunWorkflowArguments<Input>
): Promise<WorkflowReport> {
  const [input = {}, given] = args;
  const options = checkWorkflowOptions(workflow, given);
  const context = input instanceof Context ? contextToWire(input) : await inputToWire(workflow, input);
  const { simulate } = await loadServer(
    "runWorkflow needs the scheduler in this process: npm install --save-dev @cloaca/server",
  );
  const world = worldOf(clockOf(options));
  return world.use(() => {
    const peer = simulate({
      time: world,
      seed: String(options.seed ?? 0),
      onDefect: (event, fields) => world.fail(new CloacaError("INTERNAL", `${event}: ${JSON.stringify(fields)}`)),
    });
    return new WorkflowRun(workflow, options, world, peer).run(context);
  });
}

class WorkflowRun {
  readonly #calls;
  readonly #patienceMs: number;
  readonly #beganAt: number;
  readonly #records = new Map<string, TaskRecord>();

  constructor(
    readonly workflow: WorkflowDefinition<object>,
    readonly options: RunWorkflowOptions,
    readonly world: World,
    readonly peer: InMemoryPeer,
  ) {
    this.#calls = inMemoryCalls(peer);
    this.#patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
    this.#beganAt = world.now();
  }

  async run(context: Readonly<Record<string, string>>): Promise<WorkflowReport> {
    const { world, options, peer, workflow } = this;
    const tasks = workflow.tasks.map((task) => this.#prepare(task));
    const host = new HostInMemory(world, { ...workflow, tasks }, options.slots ?? 10);
    let started: StartedRun | null = null;
    let isOver = false;
    world.soon(() => host.connect(peer));
    await this.#move(() => host.version !== null);
    void this.#start(host.version ?? "", context).then(
      (run) => {
        started = run;
        peer.onRunEnd(run.runId, () => {
          isOver = true;
        });
        this.#cancelLater(run.runId);
      },
      (error: unknown) => world.fail(error),
    );
    await this.#move(() => started !== null);
    const { runId } = started ?? { runId: "" };
    const end = await this.#move(() => isOver && host.isIdle && world.isIdle);
    if (end === "until" && options.until !== undefined) world.skipTo(this.#beganAt + options.until);
    else if (end !== "done" && !isOver) throw await this.#stuck(runId, end);
    return this.#report(runId);
  }

  /** A task with the code, the scripts and the time that the test gives it. */
  #prepare(task: ResolvedTask): ResolvedTask {
    const { conditions = {}, takes = {}, tasks = {} } = this.options;
    const record = new TaskRecord(this.#beganAt);
    this.#records.set(task.id, record);
    const replacement = Object.hasOwn(tasks, task.id) ? tasks[task.id] : undefined;
    return instrument(replacement === undefined ? task : replaced(task, replacement), {
      world: this.world,
      record,
      scriptOf: scriptsOf(conditions[task.id]),
      takesMs: takes[task.id] ?? 0,
      patienceMs: this.#patienceMs,
    });
  }

  async #start(version: string, context: Readonly<Record<string, string>>): Promise<StartedRun> {
    const { timeoutMs = 0 } = this.options;
    const plain = { priority: 0, labels: {}, traceparent: "", requestId: "" };
    const [run] = await startRuns(this.#calls, "", [
      { workflow: this.workflow.name, version, context, timeoutMs, ...plain },
    ]);
    if (run === undefined || run instanceof RemoteError)
      throw run ?? new RemoteError("INTERNAL", "nothing was started");
    return run;
  }

  #cancelLater(runId: string): void {
    const { cancelAfterMs } = this.options;
    if (cancelAfterMs === undefined) return;
    this.world.after(cancelAfterMs, () => {
      cancelRun(this.#calls, "", runId, "the test said so").catch((error: unknown) => this.world.fail(error));
    });
  }

  #move(isDone: () => boolean): Promise<LoopEnd> {
    const until = this.#beganAt + (this.options.until ?? LONGEST_MS);
    return this.world.move({ isDone, until, patienceMs: this.#patienceMs });
  }

  async #report(runId: string): Promise<WorkflowReport> {
    const [run, tasks, events] = await Promise.all([
      getRun(this.#calls, "", runId, 0),
      listTaskRuns(this.#calls, "", runId),
      inMemoryLog(this.peer, runId),
    ]);
    const { world } = this;
    const stillRunning = run.finishedAt === null ? [] : world.activities.map(({ label }) => label);
    const times = { beganAt: this.#beganAt, leftAt: world.now() };
    return new WorkflowReport({ run, tasks, events, records: this.#records, stillRunning, ...times });
  }

  async #stuck(runId: string, end: "busy" | "until"): Promise<TestStuckError> {
    const { tasks } = await explainRun(this.#calls, "", runId, []);
    const explained = tasks.map(({ task, state, message }) => `task "${task}" is ${state}: ${message}`);
    const lines = [...waitingLines(this.world.activities), ...explained];
    return new TestStuckError(`runWorkflow("${this.workflow.name}")`, whyStuck(end, this.#patienceMs), lines);
  }
}

function replaced(task: ResolvedTask, replacement: Replacement): ResolvedTask {
  const fn: ResolvedTask["fn"] =
    typeof replacement === "function"
      ? // The host makes a handle for a task that wants one.
        (context, handle) => (handle === null ? undefined : replacement(context, handle))
      : () => replacement;
  return { ...task, wantsHandle: true, fn };
}
