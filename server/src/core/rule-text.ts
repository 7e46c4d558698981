/** A trigger rule as people read it: as the SDK's builder writes it. */
import type { CompiledRule, Graph } from "./model.js";
import { quote } from "./quote.js";

/** Rules of a list, levels, and UTF-16 units that are shown: a rule may have thousands of parts. */
const SHOWN_RULES = 5;
const SHOWN_LEVELS = 4;
const SHOWN_TEXT = 300;

/** For example `any(failed("a"), contextValue("n", "greater", 3))`. */
export function ruleText(rule: CompiledRule, graph: Pick<Graph, "tasks">): string {
  const text = textOf(rule, graph, 1);
  return text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT)}…`;
}

function textOf(rule: CompiledRule, graph: Pick<Graph, "tasks">, level: number): string {
  switch (rule.kind) {
    case "always":
      return "always";
    case "all_success":
      return "allSuccess";
    case "all":
    case "any":
    case "none": {
      if (level >= SHOWN_LEVELS) return `${rule.kind}(…)`;
      const shown = rule.rules.slice(0, SHOWN_RULES).map((inner) => textOf(inner, graph, level + 1));
      const left = rule.rules.length - shown.length;
      return `${rule.kind}(${[...shown, ...(left === 0 ? [] : [`${left} more`])].join(", ")})`;
    }
    case "succeeded":
    case "failed":
    case "skipped":
      return `${rule.kind}(${quote(graph.tasks[rule.task]?.id ?? "")})`;
    case "context_value": {
      const value = rule.operator.endsWith("exists") ? "" : `, ${JSON.stringify(rule.value)}`;
      return `contextValue(${quote(rule.key)}, "${rule.operator}"${value})`;
    }
  }
}
