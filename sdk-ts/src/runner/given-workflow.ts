import { DefinitionError } from "../errors/definition-error.js";
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { givenProblems } from "../task/given-workflow.js";

/**
 * Whether a value has the shape of a workflow, and can be sent. Whether it makes sense is the scheduler's to judge.
 *
 * @param where who was given it, for messages: `host.register`
 * @throws DefinitionError with all problems
 */
export function checkWorkflow(value: unknown, where: string): asserts value is WorkflowDefinition {
  const problems = givenProblems(value);
  if (problems.length === 0) return;
  const isName = typeof value === "string" && where === "runner.execute";
  throw new DefinitionError(where, isName ? problems.map((problem) => orByName(problem, value)) : problems);
}

function orByName({ path, message }: Problem, name: string): Problem {
  const byName = `to run a workflow that is registered, by its name, write client.execute(${quote(name)})`;
  return { path, message: `${message}; ${byName}` };
}
