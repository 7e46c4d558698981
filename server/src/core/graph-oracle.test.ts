/**
 * Any random graph, with random rules and failures, ends in the state that a small oracle predicts. The oracle knows
 * nothing of drafts, steps or persistent maps: it walks the tasks in declared order, which is topological here, and follows
 * the sentences of the design.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PLAIN_FAILURE, PlainDraft } from "../testing/plain-draft.js";
import { leaseTask } from "./grants.js";
import { compileGraph } from "./graph.js";
import { viewToText } from "./merge.js";
import type { TaskDefinition, TriggerRule } from "./model.js";
import { NO_RETRIES } from "./retry.js";
import { controlRun } from "./run-control.js";
import type { DecisionLimits } from "./run-draft.js";
import { advance, isRunOver, nextAttemptAt, plainFailure, runOutput } from "./run-machine.js";
import { isTerminal } from "./task-run.js";

const LIMITS: DecisionLimits = {
  maxPatchBytes: 1_000,
  maxContextBytes: 1_000_000,
  maxFailureBytes: 1_000,
  maxLossesHeld: 3,
  maxLossesDeferred: 30,
};
const KEYS = ["k0", "k1", "k2"];

/** How a task's code behaves: how often it fails before it succeeds, what it writes, and what it removes. */
interface Plan {
  readonly dependencies: readonly number[];
  readonly rule: TriggerRule | undefined;
  readonly retries: number;
  readonly failures: number;
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

interface Predicted {
  readonly states: readonly string[];
  readonly status: "SUCCEEDED" | "FAILED";
  readonly context: Readonly<Record<string, string>>;
  readonly attempts: readonly number[];
  readonly skips: readonly (string | null)[];
}

type OracleView = Map<string, { value: string | null; writer: number }>;

function predict(plans: readonly Plan[], input: Readonly<Record<string, string>>): Predicted {
  const ancestors: Set<number>[] = [];
  const states: string[] = [];
  const skips: (string | null)[] = [];
  const outputs: OracleView[] = [];
  const attempts: number[] = [];
  const fold = (sources: readonly number[]): OracleView => {
    const view: OracleView = new Map();
    const decided = new Set<number>();
    for (const source of sources) {
      for (const [key, entry] of outputs[source] ?? []) {
        const mine = view.get(key);
        // The input comes before all tasks, and what an earlier branch knew it has decided about.
        if (mine === undefined || (entry.writer !== -1 && !decided.has(entry.writer))) view.set(key, entry);
      }
      decided.add(source);
      for (const ancestor of ancestors[source] ?? []) decided.add(ancestor);
    }
    return view;
  };
  plans.forEach((plan, index) => {
    const { dependencies, rule } = plan;
    ancestors[index] = new Set(dependencies.flatMap((d) => [d, ...(ancestors[d] ?? [])]));
    const view: OracleView =
      dependencies.length === 0
        ? new Map(Object.entries(input).map(([key, value]) => [key, { value, writer: -1 }]))
        : fold(dependencies);
    const allSucceeded = dependencies.every((d) => states[d] === "SUCCEEDED");
    const runs = rule === undefined ? allSucceeded : judge(rule, states, view, allSucceeded);
    attempts[index] = 0;
    skips[index] = null;
    if (!runs) {
      states[index] = "SKIPPED";
      const byFailure = dependencies.some((d) => states[d] === "FAILED" || skips[d] === "UPSTREAM_FAILED");
      skips[index] = (rule === undefined || rule.kind === "all_success") && byFailure ? "UPSTREAM_FAILED" : "RULE";
    } else {
      const succeeds = plan.failures <= plan.retries;
      states[index] = succeeds ? "SUCCEEDED" : "FAILED";
      attempts[index] = succeeds ? plan.failures + 1 : plan.retries + 1;
      if (succeeds) write(view, plan, index);
    }
    outputs[index] = view;
  });
  const handled = (failed: number): boolean =>
    plans.some(({ rule }, index) => rule !== undefined && states[index] === "SUCCEEDED" && names(rule, failed));
  const isFailed = states.some((state, index) => state === "FAILED" && !handled(index));
  const leaves = plans.map((_, index) => index).filter((i) => !plans.some((p) => p.dependencies.includes(i)));
  const final = fold(leaves);
  const context: Record<string, string> = {};
  for (const [key, { value }] of final) if (value !== null) context[key] = value;
  return { states, status: isFailed ? "FAILED" : "SUCCEEDED", context, attempts, skips };
}

function write(view: OracleView, { set, removed }: Plan, writer: number): void {
  for (const key of removed) {
    const known = view.get(key);
    if (known !== undefined && known.value !== null && !(key in set)) view.set(key, { value: null, writer });
  }
  for (const [key, value] of Object.entries(set)) {
    if (view.get(key)?.value !== value) view.set(key, { value, writer });
  }
}

function judge(rule: TriggerRule, states: readonly string[], view: OracleView, allSucceeded: boolean): boolean {
  const inner = (r: TriggerRule): boolean => judge(r, states, view, allSucceeded);
  switch (rule.kind) {
    case "always":
      return true;
    case "all_success":
      return allSucceeded;
    case "all":
      return !rule.rules.some((r) => !inner(r));
    case "any":
      return rule.rules.some(inner);
    case "none":
      return !rule.rules.some(inner);
    case "succeeded":
    case "failed":
    case "skipped":
      return states[Number(rule.task.slice(1))] === rule.kind.toUpperCase();
    case "context_value": {
      const text = view.get(rule.key)?.value ?? null;
      if (rule.operator === "exists") return text !== null;
      if (rule.operator === "greater") return text !== null && Number(text) > Number(rule.value);
      return text !== rule.value;
    }
  }
}

function names(rule: TriggerRule, failed: number): boolean {
  if ("rules" in rule) return rule.rules.some((r) => names(r, failed));
  return rule.kind === "failed" && rule.task === `t${failed}`;
}

/** A rule over the ancestors of a task, from a list of random numbers. */
function ruleOf(numbers: readonly number[], ancestors: readonly number[], depth: number): TriggerRule {
  const [kind = 0, which = 0, ...rest] = numbers;
  const named = ancestors[which % Math.max(1, ancestors.length)];
  const lists = ["all", "any", "none"] as const;
  if (depth < 3 && kind % 8 < 3 && rest.length >= 4) {
    const half = Math.floor(rest.length / 2);
    const rules = [rest.slice(0, half), rest.slice(half)].map((part) => ruleOf(part, ancestors, depth + 1));
    return { kind: lists[kind % 3] ?? "all", rules };
  }
  const states = ["succeeded", "failed", "skipped"] as const;
  if (kind % 8 < 6 && named !== undefined) return { kind: states[kind % 3] ?? "failed", task: `t${named}` };
  const key = KEYS[which % KEYS.length] ?? "";
  const operator = (["exists", "greater", "not_equals"] as const)[kind % 3] ?? "exists";
  if (which % 5 === 0) return { kind: which % 2 === 0 ? "always" : "all_success" };
  return { kind: "context_value", key, operator, value: operator === "exists" ? "" : String(which % 4) };
}

const value = fc.integer({ min: 0, max: 5 }).map(String);
const plansOf = (maxTasks: number): fc.Arbitrary<Plan[]> =>
  fc
    .array(
      fc.record({
        picks: fc.array(fc.nat(), { maxLength: 4 }),
        ruled: fc.integer({ min: 0, max: 2 }),
        numbers: fc.array(fc.nat({ max: 1_000 }), { minLength: 2, maxLength: 14, size: "max" }),
        retries: fc.integer({ min: 0, max: 2 }),
        failures: fc.constantFrom(0, 0, 0, 1, 2, 3),
        set: fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 2 }),
        removed: fc.subarray(KEYS, { maxLength: 1 }),
      }),
      // Without a size, a list has about ten items whatever its longest.
      { minLength: 1, maxLength: maxTasks, size: "max" },
    )
    .map((specs) => {
      const ancestors: number[][] = [];
      return specs.map(({ picks, ruled, numbers, retries, failures, set, removed }, index): Plan => {
        const dependencies = index === 0 ? [] : [...new Set(picks.map((pick) => Math.max(0, index - 1 - (pick % 12))))];
        const before = [...new Set(dependencies.flatMap((d) => [d, ...(ancestors[d] ?? [])]))];
        ancestors[index] = before;
        const rule = ruled === 0 && dependencies.length > 0 ? ruleOf(numbers, before, 0) : undefined;
        return { dependencies, rule, retries, failures, set, removed: removed.filter((key) => !(key in set)) };
      });
    });

function toTask({ dependencies, rule, retries }: Plan, index: number): TaskDefinition {
  const retry = { ...NO_RETRIES, attempts: retries, delayMs: 1 };
  return { id: `t${index}`, dependencies: dependencies.map((d) => `t${d}`), timeoutMs: 0, retry, rule };
}

/** Runs what is ready, in an order that the seed decides, until the run is over. */
function execute(draft: PlainDraft, plans: readonly Plan[], failuresOf: (index: number) => number, seed: number): void {
  let state = seed;
  for (let now = 1; !isRunOver(draft.run().status); now++) {
    const open = draft.tasks().filter(({ state: at }) => at === "READY" || at === "RETRYING");
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const task = open[state % Math.max(1, open.length)];
    if (task === undefined) throw new Error("nothing is ready, and the run is not over");
    const { task: index } = task;
    if (task.state === "RETRYING") {
      advance(draft, index, { type: "retry" }, LIMITS, now);
      continue;
    }
    leaseTask(draft, index, { id: "s", hostId: "h" }, LIMITS, now);
    const leased = draft.task(index);
    const failedSoFar = leased.attempt - leased.attemptsBefore - 1;
    const { set = {}, removed = [] } = plans[index] ?? {};
    if (failedSoFar < failuresOf(index)) {
      const retryAt = nextAttemptAt(draft, leased, PLAIN_FAILURE, now);
      const failure = plainFailure("TASK_FAILED", "no");
      advance(draft, index, { type: "fail", failure, digest: "", retryAt }, LIMITS, now);
    } else advance(draft, index, { type: "complete", patch: { set, removed }, digest: "" }, LIMITS, now);
  }
}

function graphOf(plans: readonly Plan[]) {
  return compileGraph({ name: "w", description: "", tags: {}, tasks: plans.map(toTask) });
}

const INPUT = { k0: "1", day: '"monday"' };

function outcome(draft: PlainDraft): Predicted {
  const { status } = draft.run();
  return {
    states: draft.tasks().map((task) => task.state),
    status: status === "FAILED" ? "FAILED" : "SUCCEEDED",
    context: viewToText(runOutput(draft)),
    attempts: draft.tasks().map((task) => task.attempt),
    skips: draft.tasks().map((task) => task.skip),
  };
}

describe("a random graph with random rules and failures", () => {
  const seed = fc.nat();

  it.each([
    [12, 400],
    [300, 60],
  ])("of up to %i tasks ends as the oracle says, in whatever order its tasks run", (maxTasks, numRuns) => {
    let most = 0;
    fc.assert(
      fc.property(plansOf(maxTasks), seed, (plans, order) => {
        most = Math.max(most, plans.length);
        const draft = PlainDraft.started(graphOf(plans), LIMITS, 0, { input: INPUT });
        execute(draft, plans, (index) => plans[index]?.failures ?? 0, order);
        expect(outcome(draft)).toEqual(predict(plans, INPUT));
        expect(draft.slotsByLog()).toBe(0);
        expect(draft.tasks().every((task) => isTerminal(task.state))).toBe(true);
        expect(draft.events.map((event) => event.seq)).toEqual(draft.events.map((_, at) => at + 1));
      }),
      { numRuns },
    );
    expect(most).toBeGreaterThan(maxTasks * 0.75);
  });

  it("that failed and is retried ends as if its tasks had not failed at all", () => {
    fc.assert(
      fc.property(plansOf(40), seed, (plans, order) => {
        const draft = PlainDraft.started(graphOf(plans), LIMITS, 0, { input: INPUT });
        execute(draft, plans, (index) => plans[index]?.failures ?? 0, order);
        if (draft.run().status !== "FAILED") return;
        const before = draft.tasks().map((task) => task.fence);
        controlRun(draft, { type: "retry", requestId: "" }, [], LIMITS, 1_000);
        execute(draft, plans, () => 0, order + 1);
        const healed = plans.map((plan) => ({ ...plan, failures: 0 }));
        // What succeeded after some retries is as good as what succeeded at once.
        const { states, status, context } = predict(healed, INPUT);
        expect(outcome(draft)).toMatchObject({ states, status, context });
        draft.tasks().forEach((task, index) => {
          expect(task.fence).toBeGreaterThanOrEqual(before[index] ?? 0);
        });
      }),
      { numRuns: 200 },
    );
  });
});
