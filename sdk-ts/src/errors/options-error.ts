import { brandError } from "./brand.js";
import { CloacaError } from "./cloaca-error.js";
import { describeProblems, type Problem } from "./problem.js";

/**
 * Options of a host, a client, a runner or a deferral, or what a method of a client was given, are not as they must be. Lists all
 * problems at once. Code `OPTIONS_INVALID`.
 */
export class OptionsError extends CloacaError {
  /** Every problem, its path the name of the option. */
  readonly problems: readonly Problem[];

  /** @param what whose options they are, for example `handle.deferUntil` */
  constructor(what: string, problems: readonly Problem[]) {
    super("OPTIONS_INVALID", describeProblems(what, problems));
    this.problems = problems;
  }

  static {
    brandError(OptionsError, "OptionsError");
  }
}
