import { createHash } from "node:crypto";

import type { TaskDefinition, WorkflowDefinition } from "./model.js";

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
  if (task.timeoutMs !== 0) fields.push(`"timeoutMs":${JSON.stringify(task.timeoutMs)}`);
  return `{${fields.join()}}`;
}

/** The version of a definition: the first 20 hex characters of the SHA-256 of its canonical form. */
export function definitionVersion(definition: WorkflowDefinition): string {
  return createHash("sha256").update(canonicalDefinition(definition)).digest("hex").slice(0, VERSION_LENGTH);
}
