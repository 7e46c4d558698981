import { createHash } from "node:crypto";

import type { RetryPolicy, TaskDefinition, TriggerRule, WorkflowDefinition } from "./model.js";
import { NO_RETRIES } from "./retry.js";

/** Hex characters of a version: 80 bits, plenty to tell the versions of a workflow apart and short enough to read out. */
const VERSION_LENGTH = 20;

/**
 * The canonical form of a definition, the text that its version is a hash of:
 *
 * - JSON without spaces; strings escaped as `JSON.stringify` does; the keys of every object sorted by UTF-16 code units (as in RFC 8785);
 * - tasks and dependencies in declared order, because the order decides how contexts are merged;
 * - a field that holds its default (empty text, list or map, 0) is left out, so that a field which a later release adds
 *   does not change the version of a definition that does not use it. `name` and `tasks` are always there.
 */
export function canonicalDefinition(definition: WorkflowDefinition): string {
  const fields: string[] = [];
  if (definition.description !== "") fields.push(`"description":${JSON.stringify(definition.description)}`);
  fields.push(`"name":${JSON.stringify(definition.name)}`);
  const tags = Object.keys(definition.tags).sort();
  if (tags.length > 0) {
    fields.push(
      `"tags":{${tags.map((key) => `${JSON.stringify(key)}:${JSON.stringify(definition.tags[key])}`).join()}}`,
    );
  }
  fields.push(`"tasks":[${definition.tasks.map(canonicalTask).join()}]`);
  return `{${fields.join()}}`;
}

function canonicalTask(task: TaskDefinition): string {
  const fields: string[] = [];
  if (task.dependencies.length > 0) fields.push(`"dependencies":${JSON.stringify(task.dependencies)}`);
  fields.push(`"id":${JSON.stringify(task.id)}`);
  if (task.retry !== undefined) {
    const retry = canonicalRetry(task.retry);
    if (retry !== "{}") fields.push(`"retry":${retry}`);
  }
  if (task.rule !== undefined && task.rule.kind !== "all_success") fields.push(`"rule":${canonicalRule(task.rule)}`);
  if (task.timeoutMs !== 0) fields.push(`"timeoutMs":${JSON.stringify(task.timeoutMs)}`);
  return `{${fields.join()}}`;
}

function canonicalRetry(retry: RetryPolicy): string {
  const names = ["attempts", "backoff", "condition", "delayMs", "jitter", "maxDelayMs"] as const;
  const fields = names.filter((name) => retry[name] !== NO_RETRIES[name]);
  return `{${fields.map((name) => `"${name}":${JSON.stringify(retry[name])}`).join()}}`;
}

/** A rule as an object with its kind as the only key; the order of a list stays. */
function canonicalRule(rule: TriggerRule): string {
  switch (rule.kind) {
    case "all_success":
    case "always":
      return `{"${rule.kind}":true}`;
    case "all":
    case "any":
    case "none":
      return `{"${rule.kind}":[${rule.rules.map(canonicalRule).join()}]}`;
    case "succeeded":
    case "failed":
    case "skipped":
      return `{"${rule.kind}":${JSON.stringify(rule.task)}}`;
    case "context_value": {
      const { key, operator, value } = rule;
      const compared = value === "" ? "" : `,"value":${JSON.stringify(value)}`;
      return `{"context_value":{"key":${JSON.stringify(key)},"operator":"${operator}"${compared}}}`;
    }
  }
}

/** The version of a definition: the first 20 hex characters of the SHA-256 of its canonical form. */
export function definitionVersion(definition: WorkflowDefinition): string {
  return createHash("sha256").update(canonicalDefinition(definition)).digest("hex").slice(0, VERSION_LENGTH);
}
