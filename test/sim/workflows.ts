/** The workflows of the simulation, and what their tasks do. */
import type { RetryPolicy, TaskDefinition, WorkflowDefinition } from "../../server/src/core/model.js";
import { Random } from "./random.js";

const RETRY: RetryPolicy = {
  attempts: 2,
  backoff: "exponential",
  delayMs: 400,
  maxDelayMs: 2_000,
  condition: "transient",
  jitter: true,
};

function task(id: string, dependencies: readonly string[], more: Partial<TaskDefinition> = {}): TaskDefinition {
  return { id, dependencies, timeoutMs: 0, ...more };
}

function workflow(name: string, tasks: readonly TaskDefinition[]): WorkflowDefinition {
  return { name, description: "", tags: {}, tasks };
}

/** Slot-held time of a task with a timeout, in milliseconds. */
export const TIMEOUT_MS = 1_200;

/** Its tasks all wait outside, and want their slots back. */
const WIDE = "wide";

export const WORKFLOWS: readonly [WorkflowDefinition, ...WorkflowDefinition[]] = [
  workflow("single", [task("a", [])]),
  workflow("chain", [task("a", [], { retry: RETRY }), task("b", ["a"], { timeoutMs: TIMEOUT_MS, retry: RETRY })]),
  workflow("fan", [
    task("a", [], { retry: RETRY }),
    task("b", [], { retry: RETRY }),
    task("c", [], { timeoutMs: TIMEOUT_MS }),
    task("join", ["a", "b"]),
    task("rescue", ["c"], { rule: { kind: "failed", task: "c" } }),
  ]),
  workflow(WIDE, [task("a", []), task("b", []), task("c", []), task("d", []), task("e", [])]),
];

export type Step =
  | { readonly type: "work"; readonly ms: number }
  | { readonly type: "checkpoint" }
  | { readonly type: "defer"; readonly pollMs: number; readonly maxWaitMs: number; readonly metAfterMs: number }
  | { readonly type: "decline" }
  | { readonly type: "complete" }
  | { readonly type: "fail"; readonly transient: boolean };

/** What an attempt of a task does: always the same for the same seed, run and attempt. */
export function scriptOf(
  seed: number,
  workflow: string,
  runId: string,
  taskId: string,
  attempt: number,
): readonly Step[] {
  const random = new Random(`${seed}/${runId}/${taskId}/${attempt}`);
  const steps: Step[] = [{ type: "work", ms: random.int(1, 300) }];
  if (workflow === WIDE) {
    steps.push({ type: "defer", pollMs: random.int(50, 300), maxWaitMs: 0, metAfterMs: random.int(0, 1_500) });
    steps.push({ type: "work", ms: random.int(100, 900) });
  }
  for (let more = random.int(0, 3); more > 0; more--) {
    const kind = random.next();
    if (kind < 0.3) {
      steps.push({ type: "checkpoint" });
    } else if (kind < 0.35) {
      steps.push({ type: "decline" });
    } else if (kind < 0.8) {
      const maxWaitMs = random.chance(0.3) ? random.int(200, 3_000) : 0;
      const metAfterMs = random.int(0, 6_000);
      steps.push({ type: "defer", pollMs: random.int(100, 1_500), maxWaitMs, metAfterMs });
    }
    // Now and then longer than a timeout allows.
    steps.push({ type: "work", ms: random.int(1, random.chance(0.2) ? 2_500 : 400) });
  }
  steps.push(random.chance(0.2) ? { type: "fail", transient: random.chance(0.8) } : { type: "complete" });
  return steps;
}
