/** One problem of an input. */
export interface Problem {
  /** Where, for example `tasks[2].dependencies[0]`. Empty for the input as a whole. */
  readonly path: string;
  /** What is wrong there and what would be right. */
  readonly message: string;
  /** What was found, as text, when that helps. */
  readonly found?: string;
  /** What is allowed, when it can be listed. */
  readonly allowed?: readonly string[];
  /** What was most likely meant, when something is near. */
  readonly nearest?: string;
}

/** Problems that a message spells out; all of them are in `problems`. */
const SHOWN = 20;

/** `workflow "etl": 2 problems`, and a line for each; on one line when there is only one. */
export function describeProblems(what: string, problems: readonly Problem[]): string {
  const lines = problems
    .slice(0, SHOWN)
    .map((problem) => (problem.path === "" ? problem.message : `${problem.path}: ${problem.message}`));
  const [only] = lines;
  if (only !== undefined && problems.length === 1) return `${what}: ${only}`;
  if (problems.length > SHOWN) lines.push(`and ${problems.length - SHOWN} more`);
  return `${what}: ${problems.length} problems\n- ${lines.join("\n- ")}`;
}
