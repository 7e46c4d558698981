import type { Problem, TaskDefinition } from "./model.js";
import { NAME_PATTERN } from "./names.js";

/**
 * Puts the id of its task before each problem of one: nobody counts to the 731st of a long list. Where the id itself is the
 * problem, its text says it already.
 *
 * @param path of the definition
 */
export function withTaskIds(
  problems: readonly Problem[],
  tasks: readonly Pick<TaskDefinition, "id">[],
  path: string,
): Problem[] {
  const start = path === "" ? "tasks[" : `${path}.tasks[`;
  return problems.map((problem) => {
    const { field, description } = problem;
    if (!field.startsWith(start)) return problem;
    const end = field.indexOf("]", start.length);
    const id = tasks[Number(field.slice(start.length, end))]?.id ?? "";
    const isOfId = field.slice(end + 1) === ".id";
    return isOfId || !NAME_PATTERN.test(id) ? problem : { field, description: `task "${id}": ${description}` };
  });
}
