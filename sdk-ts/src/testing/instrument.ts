/** Tasks as a test runs them: the same code, with everything noted that it does, and time that waits for it. */
import type { OnFailure, OnRetry, OnSuccess, ResolvedTask } from "../task/definition.js";
import type { TaskHandle } from "../task/task-handle.js";
import { Activity } from "./activity.js";
import type { ScriptOf } from "./condition-script.js";
import { RecordingHandle } from "./recording-handle.js";
import type { CallbackReport, TaskRecord } from "./task-record.js";
import type { World } from "./world.js";

export interface Instruments {
  readonly world: World;
  readonly record: TaskRecord;
  readonly scriptOf: ScriptOf;
  /** Virtual time that each execution takes before its code runs, in milliseconds. */
  readonly takesMs: number;
  readonly patienceMs: number;
}

export function instrument(task: ResolvedTask, instruments: Instruments): ResolvedTask {
  return {
    ...task,
    // The host makes a handle in any case, so that the attempt is known; the code gets it when it wants it.
    wantsHandle: true,
    fn: (context, handle) => execute(task, context, handle, instruments),
    ...callbacks(task, instruments),
  };
}

function execute(
  task: ResolvedTask,
  context: Parameters<ResolvedTask["fn"]>[0],
  handle: TaskHandle | null,
  instruments: Instruments,
): unknown {
  const { world, record, scriptOf, takesMs, patienceMs } = instruments;
  const attempt = handle?.attempt ?? 1;
  const activity = new Activity(`task "${task.id}" (attempt ${attempt})`);
  return world.perform(activity, async () => {
    let given: RecordingHandle | null = null;
    try {
      if (takesMs > 0) await world.sleep(takesMs, handle?.signal);
      if (!task.wantsHandle || handle === null) return await task.fn(context, null);
      const scene = { world, record, scriptOf, task: task.id, activity, patienceMs };
      given = new RecordingHandle(handle, scene);
      return await task.fn(context, given);
    } catch (error) {
      record.thrown.push({ attempt, error });
      throw error;
    } finally {
      given?.end();
    }
  });
}

function callbacks(
  { id, onSuccess, onFailure, onRetry }: ResolvedTask,
  { world, record }: Instruments,
): Pick<ResolvedTask, CallbackReport["callback"]> {
  const noted =
    <A extends readonly unknown[]>(callback: CallbackReport["callback"], call: (...args: A) => unknown) =>
    (...args: A): Promise<void> =>
      world.perform(new Activity(`${callback} of task "${id}"`), async () => {
        const atMs = world.now() - record.beganAt;
        try {
          await call(...args);
          record.callbacks.push({ callback, atMs, error: undefined });
        } catch (error) {
          record.callbacks.push({ callback, atMs, error });
          throw error;
        }
      });
  return {
    ...(onSuccess === undefined ? null : { onSuccess: noted<Parameters<OnSuccess>>("onSuccess", onSuccess) }),
    ...(onFailure === undefined ? null : { onFailure: noted<Parameters<OnFailure>>("onFailure", onFailure) }),
    ...(onRetry === undefined ? null : { onRetry: noted<Parameters<OnRetry>>("onRetry", onRetry) }),
  };
}
