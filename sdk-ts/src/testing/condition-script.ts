/** What the conditions of a task's deferrals say, instead of being asked. */

/** One call of a condition. */
export interface Poll {
  /** Id of the task. */
  readonly task: string;
  /** The counted execution of the task, from 1. */
  readonly attempt: number;
  /** Number of the deferral within the execution, from 1. */
  readonly deferral: number;
  /** Number of the call within the deferral, from 1. */
  readonly poll: number;
  /** Virtual time since the deferral began, in milliseconds. */
  readonly waitedMs: number;
}

/**
 * What the condition of one deferral says: a list of what its calls return (an Error in it is thrown; after its end the
 * condition never holds), a function that is called instead, or `"never"`.
 */
export type ConditionScript = "never" | readonly unknown[] | ((poll: Poll) => unknown);

/**
 * What the conditions of one task say, in each execution of it. A list is for the first deferral: `[false, false, "a.csv"]`. A
 * list of scripts has one for each deferral, and where it has undefined, or ends, the task's own condition is asked:
 * `[[false, "a.csv"], "never"]`. A function, or `"never"`, is for all deferrals.
 */
export type ConditionScripts = ConditionScript | readonly (ConditionScript | undefined)[];

/** The script of a deferral, by its number; undefined means the task's own condition. */
export type ScriptOf = (deferral: number) => ConditionScript | undefined;

export function scriptsOf(scripts: ConditionScripts | undefined): ScriptOf {
  if (scripts === undefined) return () => undefined;
  if (!Array.isArray(scripts)) return () => scripts as ConditionScript;
  if (!scripts.every(isScript)) return (deferral) => (deferral === 1 ? scripts : undefined);
  return (deferral) => scripts[deferral - 1] as ConditionScript | undefined;
}

/** What is wrong with scripts; null when they are fine. */
export function scriptsProblem(scripts: unknown): string | null {
  if (scripts === "never" || typeof scripts === "function" || Array.isArray(scripts)) return null;
  return 'write a list of what the calls return, as in [false, "a.csv"], a function, or "never"';
}

/** What a scripted call does: `value` and `error` end it, `never` does not. */
export type Scripted =
  | { readonly type: "value"; readonly value: unknown }
  | { readonly type: "error"; readonly error: unknown }
  | { readonly type: "never" };

export function scripted(script: ConditionScript, poll: Poll): Scripted {
  if (script === "never") return { type: "never" };
  if (typeof script === "function") return { type: "value", value: script(poll) };
  if (poll.poll > script.length) return { type: "never" };
  const said = script[poll.poll - 1];
  return said instanceof Error ? { type: "error", error: said } : { type: "value", value: said };
}

function isScript(value: unknown): boolean {
  return value === undefined || scriptsProblem(value) === null;
}
