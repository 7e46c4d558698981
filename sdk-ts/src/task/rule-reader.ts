import { ContextValueError } from "../errors/context-errors.js";
import { didYouMean, nearest } from "../errors/nearest.js";
import type { Problem } from "../errors/problem.js";
import { quote } from "../errors/quote.js";
import { CONTEXT_OPERATORS, type ContextOperator } from "../protocol/words.js";
import type { ResolvedRule } from "./definition.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { contextKeyProblem } from "./names.js";
import { oneOf } from "./option-table.js";
import type { TaskLookup } from "./task-lookup.js";
import { taskOf } from "./task-spec.js";
import { encodeValue } from "./value-codec.js";

/** Deepest nesting of rules, the outermost counted. */
export const MAX_RULE_DEPTH = 32;

/** Most rules in one list. */
export const MAX_RULES_IN_LIST = 1000;

/** Most rules of one task, all of them counted. */
export const MAX_RULES = 10_000;

/** Rules by a name alone. */
const SHORTHANDS = ["all_success", "always"] as const;

const WRITE_RULE = `write a rule, as in rule.failed(load), or one of ${SHORTHANDS.join(", ")}`;

const operatorOption = oneOf(...CONTEXT_OPERATORS);

/** A task that a rule names. */
interface Named {
  readonly path: string;
  /** Position of the task in the workflow. */
  readonly target: number;
}

/** Reads one task's rule as it was written down, by `rule` or by hand: nothing about its shape is taken for granted. */
export class RuleReader {
  readonly problems: Problem[] = [];
  /** The tasks that the rule names. */
  readonly named: Named[] = [];
  readonly #lookup: TaskLookup;
  readonly #label: string;
  #count = 0;

  /** @param position of the task that has the rule */
  constructor(position: number, lookup: TaskLookup) {
    this.#lookup = lookup;
    this.#label = lookup.label(position);
  }

  /** The rule, or null when it has problems. */
  read(written: unknown, path: string, depth = 1): ResolvedRule | null {
    this.#count += 1;
    if (this.#count > MAX_RULES) {
      // Once: a rule that contains itself many times over would fill the list.
      return this.#count > MAX_RULES + 1 ? null : this.#report(path, `has more than ${MAX_RULES} rules in all`);
    }
    if (typeof written === "string") return this.#shorthand(written, path);
    if (!isPlainObject(written)) return this.#report(path, this.#noRule(written));
    switch (written["kind"]) {
      case "all_success":
      case "always":
        return Object.freeze({ kind: written["kind"] });
      case "all":
      case "any":
      case "none":
        return this.#list(written["kind"], written["rules"], `${path}.${written["kind"]}`, depth);
      case "succeeded":
      case "failed":
      case "skipped":
        return this.#task(written["kind"], written["task"], `${path}.${written["kind"]}`);
      case "context_value":
        return this.#contextValue(written, `${path}.contextValue`);
      default:
        return this.#report(path, this.#noRule(written));
    }
  }

  #shorthand(word: string, path: string): ResolvedRule | null {
    const known = SHORTHANDS.find((name) => name === word);
    if (known !== undefined) return Object.freeze({ kind: known });
    const near = nearest(word, SHORTHANDS);
    return this.#report(path, `${quote(word)} is no rule; ${WRITE_RULE}${didYouMean(near)}`, {
      found: describeValue(word),
      allowed: SHORTHANDS,
      ...(near === undefined ? {} : { nearest: near }),
    });
  }

  #noRule(written: unknown): string {
    const task = taskOf(written);
    if (task === undefined) return `is ${describeValue(written)}; ${WRITE_RULE}`;
    const name = task.options.id ?? task.defaultId;
    return `is the task ${quote(name)}; say what of it, as in rule.succeeded(${name})`;
  }

  #list(kind: "all" | "any" | "none", rules: unknown, path: string, depth: number): ResolvedRule | null {
    if (!Array.isArray(rules)) return this.#report(path, `is ${describeValue(rules)}; write a list of rules`);
    if (rules.length === 0) return this.#report(path, `is empty; a list has 1 to ${MAX_RULES_IN_LIST} rules`);
    if (rules.length > MAX_RULES_IN_LIST) {
      return this.#report(path, `has ${rules.length} rules; a list has 1 to ${MAX_RULES_IN_LIST}`);
    }
    if (depth === MAX_RULE_DEPTH) return this.#report(path, `is nested more than ${MAX_RULE_DEPTH} deep`);
    const read = rules.map((inner: unknown, index) => this.read(inner, `${path}[${index}]`, depth + 1));
    const fine = read.filter((inner) => inner !== null);
    return fine.length < read.length ? null : Object.freeze({ kind, rules: Object.freeze(fine) });
  }

  #task(kind: "succeeded" | "failed" | "skipped", named: unknown, path: string): ResolvedRule | null {
    const target = this.#lookup.find(named);
    if (typeof target === "number") {
      this.named.push({ path, target });
      const task = this.#lookup.idOf(target);
      // Without an id it has a problem of its own.
      return task === undefined ? null : Object.freeze({ kind, task });
    }
    const near = this.#lookup.nearest(named);
    return this.#report(path, `${target}${didYouMean(near)}`, {
      ...(typeof named === "string" ? { found: named } : {}),
      ...(near === undefined ? {} : { nearest: near }),
    });
  }

  #contextValue(written: Record<string, unknown>, path: string): ResolvedRule | null {
    const { key, operator, value } = written;
    const before = this.problems.length;
    const wrongKey = contextKeyProblem(key);
    if (wrongKey !== null) this.#report(`${path}.key`, wrongKey);
    const wrongOperator = operatorOption.check(operator);
    if (wrongOperator !== null) {
      const near = typeof operator === "string" ? nearest(operator, CONTEXT_OPERATORS) : undefined;
      this.#report(`${path}.operator`, wrongOperator, {
        found: describeValue(operator),
        allowed: CONTEXT_OPERATORS,
        ...(near === undefined ? {} : { nearest: near }),
      });
    }
    const isOperator = CONTEXT_OPERATORS.find((name) => name === operator);
    const text = this.#value(value, isOperator, `${path}.value`);
    if (this.problems.length > before || typeof key !== "string" || isOperator === undefined) return null;
    return Object.freeze({ kind: "context_value", key, operator: isOperator, value: text });
  }

  /** The JSON text to compare with; empty where there is none. */
  #value(value: unknown, operator: ContextOperator | undefined, path: string): string {
    if (operator === "exists" || operator === "not_exists") {
      if (value !== undefined) this.#report(path, `is ${describeValue(value)}; ${operator} takes no value`);
      return "";
    }
    if (value === undefined) {
      // With a wrong operator, nobody knows whether a value is missing.
      if (operator !== undefined) this.#report(path, `is missing; ${operator} compares with a value of JSON`);
      return "";
    }
    const isOrdering = operator === "greater" || operator === "less";
    if (isOrdering && typeof value !== "number" && typeof value !== "string") {
      this.#report(path, `is ${describeValue(value)}; ${operator} compares with a number or a string`);
      return "";
    }
    try {
      return encodeValue(value, "value");
    } catch (error) {
      if (!(error instanceof ContextValueError)) throw error;
      this.#report(`${path}${error.path.slice("$.value".length)}`, error.problem);
      return "";
    }
  }

  #report(path: string, message: string, rest: Partial<Problem> = {}): null {
    this.problems.push({ ...rest, path, message: `${this.#label}${message}` });
    return null;
  }
}
