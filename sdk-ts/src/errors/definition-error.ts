import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";
import { describeProblems, type Problem } from "./problem.js";

/** A workflow or a task is not defined as it must be. Lists all problems at once. Code `DEFINITION_INVALID`. */
export class DefinitionError extends CloacaError {
  /** Every problem, in the order of the definition. */
  readonly problems: readonly Problem[];

  /** @param what what is defined, for example `workflow "etl"` */
  constructor(what: string, problems: readonly Problem[]) {
    super("DEFINITION_INVALID", describeProblems(what, problems));
    this.problems = problems;
  }

  static {
    brandError(DefinitionError, "DefinitionError");
  }
}
