import type { WorkflowDefinition } from "@cloaca/protocol";
import type { Problem } from "../core/model.js";

/** Fields of a definition that this scheduler does not know, by number, with their places. */
export function unknownFields(definition: WorkflowDefinition, path: string): Problem[] {
  const problems = numbers(definition, path);
  definition.tasks.forEach((task, index) => {
    problems.push(...numbers(task, `${path}.tasks[${index}]`));
  });
  return problems;
}

function numbers({ $unknown }: { $unknown?: { no: number }[] | undefined }, path: string): Problem[] {
  return ($unknown ?? []).map(({ no }) => ({
    field: path,
    description: `has a field with number ${no}, which this scheduler does not know; leave it out, or use a newer scheduler`,
  }));
}
