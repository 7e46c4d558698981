import { brandError } from "../errors/brand.js";
import { CloacaError } from "../errors/index.js";

/** A test cannot go on: its message says what waits for what. Code `TEST_STUCK`. */
export class TestStuckError extends CloacaError {
  /** What waits, and for what, a line each. */
  readonly waiting: readonly string[];

  /**
   * @param what what was run, for example `runWorkflow("etl")`
   * @param why why it does not go on
   */
  constructor(what: string, why: string, waiting: readonly string[]) {
    super("TEST_STUCK", [`${what} does not go on: ${why}`, ...waiting].join("\n- "));
    this.waiting = waiting;
  }

  static {
    brandError(TestStuckError, "TestStuckError");
  }
}
