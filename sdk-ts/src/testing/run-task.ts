/** One task, executed as a host would, without a scheduler. */
import { OptionsError } from "../errors/index.js";
import type { Lease, Patch } from "../protocol/words.js";
import { type AnyContext, Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";
import { contextToWire, withValues } from "../task/context-wire.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import { describeValue, isPlainObject } from "../task/describe-value.js";
import type { TaskMethod } from "../task/method-task.js";
import { readOptions, wholeNumber } from "../task/option-table.js";
import type { FunctionTask, NoFunctionTask } from "../task/task-types.js";
import { decodeValue } from "../task/value-codec.js";
import { type ConditionScripts, scriptsOf } from "./condition-script.js";
import { instrument } from "./instrument.js";
import { runnable, taskWithId } from "./runnable.js";
import { TestStuckError } from "./stuck-error.js";
import { TaskRecord } from "./task-record.js";
import type { PatchReport, TaskReport } from "./task-report.js";
import { type StageEnd, TaskStage } from "./task-stage.js";
import {
  clockOf,
  clockProblems,
  conditionsProblem,
  DEFAULT_PATIENCE_MS,
  LONGEST_MS,
  milliseconds,
  TEST_OPTIONS,
  type TestOptions,
} from "./test-options.js";
import { worldOf } from "./virtual-clock.js";
import { waitingLines, whyStuck } from "./waiting.js";
import type { World } from "./world.js";

/** How a task is run. */
export interface RunTaskOptions<In = OpenValues> extends TestOptions {
  /** What the task finds in its context: values, or a context. Nothing by default. */
  readonly context?: AnyContext | (Readonly<Partial<In>> & Readonly<Record<string, unknown>>) | undefined;
  /** What its conditions say. By default they are asked, each poll interval of virtual time. */
  readonly conditions?: ConditionScripts | undefined;
  /** The instance of a decorated method, or the class of a static one. */
  readonly self?: object | undefined;
  /** The counted execution, from 1: retries are counted from it. 1 by default. */
  readonly attempt?: number | undefined;
  /** Executions of this attempt that were lost with their host. 0 by default. */
  readonly recovery?: number | undefined;
  /** 1 by default. */
  readonly fence?: number | undefined;
  /** Cancels the task after so much virtual time, in milliseconds. Never by default. */
  readonly cancelAfterMs?: number | undefined;
}

const TABLE = [
  ...TEST_OPTIONS,
  { name: "context", check: contextProblem },
  { name: "conditions", check: conditionsProblem },
  { name: "self", check: selfProblem },
  { name: "attempt", check: wholeNumber(1, 1_001) },
  { name: "recovery", check: wholeNumber(0, 1_000_000) },
  { name: "fence", check: wholeNumber(1, Number.MAX_SAFE_INTEGER) },
  { name: "cancelAfterMs", check: milliseconds },
];

/**
 * Executes a task once, as a host would, on a virtual clock and without a scheduler: deferrals, checkpoints, timeouts and
 * callbacks work, and what a scheduler would decide about a failure is said. Its slot is free whenever it wants it back; what
 * becomes of dependencies, trigger rules and further attempts is for `runWorkflow`.
 *
 * ```ts
 * const run = await runTask(waitForFile, { context: { day: "2026-11-24" }, conditions: [false, false, "a.csv"] });
 * expect(run.context.get("file")).toBe("a.csv");
 * expect(run.deferrals[0]).toMatchObject({ polls: 3, waitedMs: 2_000, outcome: "MET" });
 * ```
 *
 * @param task a task in function form, a decorated method (with `self`), a task of a built workflow, a plain function, or a
 *   workflow and the id of one of its tasks
 * @throws OptionsError, DefinitionError with everything that is wrong with what was passed
 * @throws TestStuckError when the task waits for something that never comes
 */
export function runTask<In, Out, Returned>(
  task: FunctionTask<In, Out, Returned>,
  options?: RunTaskOptions<In>,
): Promise<TaskReport<Out>>;
export function runTask(
  workflow: WorkflowDefinition<object>,
  task: string,
  options?: RunTaskOptions,
): Promise<TaskReport<OpenValues>>;
export function runTask(
  task: ResolvedTask | (TaskMethod<never> & NoFunctionTask),
  options?: RunTaskOptions,
): Promise<TaskReport<OpenValues>>;
export async function runTask(first: unknown, ...rest: readonly unknown[]): Promise<TaskReport<OpenValues>> {
  const [id, given] = typeof rest[0] === "string" ? [rest[0], rest[1]] : [null, rest[0]];
  const options = checked(given);
  const task = id === null ? runnable(first, options.self) : taskWithId(tasksOf(first), id, "runTask");
  const world = worldOf(clockOf(options));
  return world.use(() => execute(world, task, options));
}

async function execute(world: World, task: ResolvedTask, options: RunTaskOptions): Promise<TaskReport<OpenValues>> {
  const { conditions, patienceMs = DEFAULT_PATIENCE_MS, cancelAfterMs } = options;
  const beganAt = world.now();
  const record = new TaskRecord(beganAt);
  const instruments = { world, record, scriptOf: scriptsOf(conditions), takesMs: 0, patienceMs };
  const lease = leaseOf(task, options);
  const stage = new TaskStage(world, instrument(task, instruments), lease);
  if (cancelAfterMs !== undefined) world.after(cancelAfterMs, () => stage.cancel());
  world.soon(() => stage.start());
  const isDone = () => stage.isGone && world.isIdle;
  const end = await world.move({ isDone, until: beganAt + LONGEST_MS, patienceMs });
  if (end !== "done") {
    throw new TestStuckError(`runTask("${task.id}")`, whyStuck(end, patienceMs), waitingLines(world.activities));
  }
  return report(stage, record, lease, world.now() - beganAt);
}

function report(stage: TaskStage, record: TaskRecord, lease: Lease, durationMs: number): TaskReport<OpenValues> {
  const { execution, committed, checkpoints, slotHeldMs, end } = stage;
  const set = [...committed].filter((entry): entry is [string, string] => entry[1] !== null);
  const removed = [...committed].filter(([, text]) => text === null).map(([key]) => key);
  return {
    status: statusOf(end),
    context: withValues(execution.context, {}),
    patch: patchReport({ set: Object.fromEntries(set), removed }),
    failure:
      end?.type === "failed" ? { ...end.failure, error: record.thrown.at(-1)?.error, retry: end.decision } : null,
    attempt: lease.attempt,
    deferrals: record.deferrals,
    checkpoints: checkpoints.map(({ patch, ...rest }) => ({ ...rest, ...patchReport(patch) })),
    callbacks: record.callbacks,
    slotHeldMs,
    durationMs,
  };
}

function statusOf(end: StageEnd | null): TaskReport["status"] {
  if (end === null || end.type === "cancelled") return "CANCELLED";
  if (end.type === "succeeded") return "SUCCEEDED";
  return end.decision.isRetried ? "RETRYING" : "FAILED";
}

function patchReport({ set, removed }: Patch): PatchReport {
  const values = Object.entries(set).map(([key, text]) => [key, decodeValue(text, key)]);
  return { set: Object.fromEntries(values), removed };
}

function leaseOf(task: ResolvedTask, { context = {}, attempt = 1, recovery = 0, fence = 1 }: RunTaskOptions): Lease {
  const input = context instanceof Context ? context : new Context(context);
  return {
    leaseId: `test.0.${fence}`,
    namespace: "default",
    runId: "test",
    workflow: "test",
    workflowVersion: "test",
    task: task.id,
    taskRunId: `test/${task.id}`,
    attempt,
    recovery,
    fence,
    input: contextToWire(input),
    checkpoint: { set: {}, removed: [] },
  };
}

function checked(options: unknown = {}): RunTaskOptions {
  const { checked: fine, problems } = readOptions(options, TABLE, "runTask");
  problems.push(...clockProblems(fine));
  if (problems.length > 0) throw new OptionsError("runTask", problems);
  return fine as RunTaskOptions;
}

function tasksOf(workflow: unknown): readonly ResolvedTask[] {
  const tasks: unknown = isPlainObject(workflow) ? workflow["tasks"] : undefined;
  if (Array.isArray(tasks)) return tasks as readonly ResolvedTask[];
  const message = `is ${describeValue(workflow)}; before the id of a task comes its workflow`;
  throw new OptionsError("runTask", [{ path: "workflow", message }]);
}

function contextProblem(value: unknown): string | null {
  if (value instanceof Context || isPlainObject(value)) return null;
  return `is ${describeValue(value)}; write an object of values, or a Context`;
}

function selfProblem(value: unknown): string | null {
  const isInstance = (typeof value === "object" && value !== null) || typeof value === "function";
  return isInstance ? null : `is ${describeValue(value)}; write the instance that the method belongs to`;
}
