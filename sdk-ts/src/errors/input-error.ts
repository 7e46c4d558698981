import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";
import { describeProblems, type Problem } from "./problem.js";

/** The input of a run is not what the workflow's schema asks for. Lists all problems at once. Code `INPUT_INVALID`. */
export class InputError extends CloacaError {
  /** Every problem that the schema found, its path in `$.a.b` form. */
  readonly problems: readonly Problem[];

  constructor(workflow: string, problems: readonly Problem[]) {
    super("INPUT_INVALID", describeProblems(`input of workflow ${JSON.stringify(workflow)}`, problems));
    this.problems = problems;
  }

  static {
    brandError(InputError, "InputError");
  }
}
