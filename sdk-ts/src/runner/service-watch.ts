/** Says what is missing when nobody serves a task of a run. */
import type { RunExplanation, WaitReasonName } from "../protocol/run-calls.js";
import type { RunInfo } from "../protocol/run-info.js";

/** What a watch asks; a `Client` fits. */
export interface Questions {
  get(runId: string): Promise<Pick<RunInfo, "workflow" | "taskCounts">>;
  explain(runId: string): Promise<Pick<RunExplanation, "tasks">>;
}

export interface WatchOptions {
  /** How long a task has to be without a host before that is said, in milliseconds. */
  readonly patienceMs: number;
  /** Called once for each time that a task is without a host. */
  readonly say: (task: string, message: string) => void;
}

/** The next look comes after a third of the patience, and later the longer all is well. */
const LOOKS = 3;
const MAX_LOOK_MS = 30_000;

/** Reasons that do not pass while everything stays as it is. A host whose slots are all held is one that serves. */
const UNSERVED: ReadonlySet<WaitReasonName> = new Set([
  "NO_HOST",
  "NO_HOST_FOR_VERSION",
  "HOSTS_DRAINING",
  "HOSTS_DISCONNECTED",
]);

/** Looks at a run until `signal` aborts. What cannot be asked is not said: others tell of a scheduler that is away. */
export function watchService(
  client: Questions,
  runId: string,
  { patienceMs, say }: WatchOptions,
  signal: AbortSignal,
): void {
  /** When a task was first seen without a host, by monotonic time; infinite once it was said. */
  let since = new Map<string, number>();
  let waitMs = patienceMs / LOOKS;

  const look = async (): Promise<void> => {
    const { workflow, taskCounts } = await client.get(runId);
    const tasks = (taskCounts["READY"] ?? 0) > 0 ? (await client.explain(runId)).tasks : [];
    if (signal.aborted) return;
    const found = tasks.filter(({ reason }) => UNSERVED.has(reason));
    const now = performance.now();
    since = new Map(found.map(({ task }) => [task, since.get(task) ?? now]));
    waitMs = found.length > 0 ? patienceMs / LOOKS : Math.min(MAX_LOOK_MS, waitMs * 2);
    for (const { task, message } of found) {
      const at = since.get(task) ?? now;
      if (now - at < patienceMs) continue;
      since.set(task, Number.POSITIVE_INFINITY);
      const waited = `has waited ${Math.round((now - at) / 1_000)} s for a host that takes it`;
      say(task, `task "${task}" of workflow "${workflow}" ${waited}: ${message}`);
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const lookAndPlan = async (): Promise<void> => {
    await look().catch(() => {});
    plan();
  };
  const plan = (): void => {
    if (signal.aborted) return;
    timer = setTimeout(() => void lookAndPlan(), waitMs);
    timer.unref();
  };
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  plan();
}
