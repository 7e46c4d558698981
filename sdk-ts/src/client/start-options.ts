/** What a caller says when a run is started. */
import { OptionsError, type Problem } from "../errors/index.js";
import { MAX_INT32, MAX_TIMER_MS } from "../protocol/number-limits.js";
import type { Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { describeValue } from "../task/describe-value.js";
import { LABELS } from "../task/labels.js";
import { nameProblem } from "../task/names.js";
import { type Option, readOptions, text, wholeNumber } from "../task/option-table.js";
import { MAX_REQUEST_ID } from "./arguments.js";

export interface StartOptions {
  /** Version to pin the run to; the current one by default. */
  readonly version?: string;
  /** Higher goes first: a whole number of 32 bits. 0 by default. */
  readonly priority?: number;
  /** Free labels, copied to the run and to each lease; at most 16,384 bytes of names and texts. */
  readonly labels?: Readonly<Record<string, string>>;
  /** W3C trace context; at most 256 UTF-16 units. */
  readonly traceparent?: string;
  /**
   * The same id with the same content starts one run, however often it is said. At most 256 UTF-16 units. A random one by
   * default, so that a call that is repeated by the transport does not start two.
   */
  readonly requestId?: string;
  /**
   * The run is cancelled when it is not over so many milliseconds after it was accepted; time in which it is paused, and in
   * which no scheduler runs, counts. 1 to 2,147,483,647; 0 means no limit. No limit by default.
   */
  readonly timeoutMs?: number;
}

/** What a run starts with: a context, or plain values. */
export type StartInput<Input extends object = OpenValues> = Context<object> | Input;

/** What comes after the workflow in a call that starts a run. The input may be left out where the workflow needs none. */
export type StartArguments<Input extends object> =
  Record<never, never> extends Input
    ? [input?: StartInput<Input>, options?: StartOptions]
    : [input: StartInput<Input>, options?: StartOptions];

const MAX_VERSION = 1_000;
const MAX_TRACEPARENT = 256;

/** Options that many runs may share. */
const SHARED: readonly Option[] = [
  { name: "version", check: text(MAX_VERSION) },
  { name: "priority", check: wholeNumber(-MAX_INT32 - 1, MAX_INT32) },
  LABELS,
  { name: "traceparent", check: text(MAX_TRACEPARENT) },
  { name: "timeoutMs", check: wholeNumber(0, MAX_TIMER_MS, " milliseconds, 0 for no limit") },
];

const OF_ONE: readonly Option[] = [...SHARED, { name: "requestId", check: text(MAX_REQUEST_ID) }];

/** @throws OptionsError with everything that is wrong with the workflow and the options */
export function checkStart(workflow: unknown, options: unknown): void {
  throwAll("client.start", [...workflowProblems(workflow), ...readOptions(options, OF_ONE, "client.start").problems]);
}

/** The same, for many starts at once. */
export function checkStarts(workflow: unknown, inputs: unknown, options: unknown): void {
  const problems = workflowProblems(workflow);
  if (!Array.isArray(inputs)) {
    problems.push({ path: "inputs", message: `is ${describeValue(inputs)}; pass a list with the input of each run` });
  }
  throwAll("client.startMany", [...problems, ...readOptions(options, SHARED, "client.startMany").problems]);
}

/** What to start, without code: a workflow that is only named has no schema. */
export function definitionOf(
  workflow: WorkflowDefinition<object> | string,
): Pick<WorkflowDefinition<object>, "name" | "input"> {
  return typeof workflow === "string" ? { name: workflow } : workflow;
}

function workflowProblems(value: unknown): Problem[] {
  const name = typeof value === "object" && value !== null && "name" in value ? value.name : value;
  const message =
    typeof name === "string" ? nameProblem(name) : `is ${describeValue(value)}; pass a workflow, or the name of one`;
  return message === null ? [] : [{ path: "workflow", message, found: describeValue(value) }];
}

function throwAll(call: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw new OptionsError(call, problems);
}
