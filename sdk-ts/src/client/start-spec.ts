/** Starts, from what a caller says to what is sent; and what a start of many ends with, from what one does. */
import { CloacaError, InputError, type Problem, RemoteError } from "../errors/index.js";
import type { StartSpec } from "../protocol/run-calls.js";
import { Context } from "../task/context.js";
import { contextToWire } from "../task/context-wire.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { inputToWire } from "../task/input.js";
import { randomId } from "./random-id.js";
import type { StartInput, StartOptions } from "./start-options.js";

type Definition = Pick<WorkflowDefinition<object>, "name" | "input">;

/** @throws InputError with every problem of the input */
export async function startSpec(
  definition: Definition,
  input: StartInput<object>,
  options: StartOptions,
): Promise<StartSpec> {
  const { version = "", priority = 0, labels = {}, traceparent = "", timeoutMs = 0 } = options;
  const { requestId = randomId() } = options;
  // A workflow's schema checks and completes plain values; a context is what somebody has made of them already.
  const context = input instanceof Context ? contextToWire(input) : await inputToWire(definition, input);
  return { workflow: definition.name, version, context, priority, labels, traceparent, requestId, timeoutMs };
}

/**
 * One for each input, in order; an input that is none is an error.
 *
 * @throws what the workflow's schema throws, which is a defect of the schema
 */
export function startSpecs(
  definition: Definition,
  inputs: readonly StartInput<object>[],
  options: StartOptions,
): Promise<(StartSpec | CloacaError)[]> {
  return Promise.all(
    // Not `map`, which passes over holes.
    Array.from(inputs, (input, index) =>
      startSpec(definition, input, options).catch((error: unknown) => {
        if (error instanceof InputError) return inputErrorAt(definition.name, index, error);
        throw error;
      }),
    ),
  );
}

/** What one of many starts was refused with, so that it says which. */
export function startErrorAt(index: number, error: unknown): CloacaError {
  if (!(error instanceof RemoteError)) return cloacaErrorOf(error);
  const { problems = [], ...details } = error.details;
  const placed = problems.map((problem) => placedAt(index, problem, `.${problem.path}`));
  return new RemoteError(
    error.code,
    `inputs[${index}]: ${error.message}`,
    { ...details, problems: placed },
    { cause: error },
  );
}

function inputErrorAt(workflow: string, index: number, { problems }: InputError): InputError {
  // `$` is the input.
  return new InputError(
    workflow,
    problems.map((problem) => placedAt(index, problem, problem.path.replace(/^\$/, ""))),
  );
}

function placedAt(index: number, problem: Problem, path: string): Problem {
  return { ...problem, path: `inputs[${index}]${path}` };
}

function cloacaErrorOf(error: unknown): CloacaError {
  if (error instanceof CloacaError) return error;
  return new CloacaError("INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
}
