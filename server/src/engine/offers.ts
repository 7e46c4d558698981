/** Turns what a host offers into graphs and implementations, or into everything that is wrong with it (P11, P13). */
import { checkDefinition, compileGraph } from "../core/graph.js";
import type { Graph, Problem, WorkflowDefinition } from "../core/model.js";
import { nameProblem } from "../core/names.js";
import { nearest } from "../core/nearest.js";
import { quote } from "../core/quote.js";
import type { Implementation } from "../core/session.js";
import type { Offer, OfferedImplementation } from "./events.js";

export interface ResolvedOffer {
  /** In the order of the definitions. */
  readonly graphs: readonly Graph[];
  readonly implementations: readonly Implementation[];
  readonly problems: readonly Problem[];
}

/** `path` is the place of the offer, for example `hello`. `known` finds graphs that were registered before. */
export function resolveOffer(
  offer: Offer,
  path: string,
  known: (workflow: string, version: string) => Graph | null,
  maxTasks: number,
): ResolvedOffer {
  const problems: Problem[] = [];
  const graphs: Graph[] = [];
  const byName = new Map<string, Graph>();
  offer.definitions.forEach((definition, index) => {
    const field = `${path}.definitions[${index}]`;
    const graph = compiled(definition, field, maxTasks, problems);
    if (graph === null) return;
    if (byName.has(definition.name)) {
      problems.push({ field: `${field}.name`, description: `workflow ${quote(definition.name)} is defined twice` });
    }
    graphs.push(graph);
    byName.set(definition.name, graph);
  });
  const implementations: Implementation[] = [];
  // A definition that cannot be understood would only make its implementations look wrong as well.
  if (problems.length === 0) {
    offer.implementations.forEach((implementation, index) => {
      const field = `${path}.implementations[${index}]`;
      const resolved = resolve(implementation, field, byName, known, problems);
      if (resolved !== null) implementations.push(resolved);
    });
  }
  return { graphs, implementations, problems };
}

function compiled(definition: WorkflowDefinition, field: string, maxTasks: number, problems: Problem[]): Graph | null {
  const found = checkDefinition(definition, field, maxTasks);
  problems.push(...found);
  return found.length === 0 ? compileGraph(definition, maxTasks) : null;
}

function resolve(
  { workflow, tasks, version, anyVersion }: OfferedImplementation,
  field: string,
  byName: ReadonlyMap<string, Graph>,
  known: (workflow: string, version: string) => Graph | null,
  problems: Problem[],
): Implementation | null {
  const wrongName = nameProblem(workflow);
  if (wrongName !== null) {
    problems.push({ field: `${field}.workflow`, description: wrongName });
    return null;
  }
  if (anyVersion) {
    tasks.forEach((task, index) => {
      const wrong = nameProblem(task);
      if (wrong !== null) problems.push({ field: `${field}.tasks[${index}]`, description: wrong });
    });
    if (version !== "") problems.push({ field, description: "says both version and any_version; say one" });
    return { workflow, version: null, tasks: tasks.length === 0 ? null : tasks };
  }
  const graph = version === "" ? byName.get(workflow) : known(workflow, version);
  if (graph === undefined || graph === null) {
    const description =
      version === ""
        ? `no definition of workflow ${quote(workflow)} came with it; send the definition, name a version, or say any_version`
        : `workflow ${quote(workflow)} has no version ${quote(version)}; send its definition, or say any_version`;
    problems.push({ field: `${field}.version`, description });
    return null;
  }
  tasks.forEach((task, index) => {
    if (graph.indexOf.has(task)) return;
    const near = nearest(task, [...graph.indexOf.keys()]);
    const hint = near === null ? "" : `; did you mean "${near}"?`;
    problems.push({
      field: `${field}.tasks[${index}]`,
      description: `workflow ${quote(workflow)} has no task ${quote(task)}${hint}`,
    });
  });
  return { workflow, version: graph.version, tasks: tasks.length === 0 ? null : tasks };
}

/** What a session implements after it registered more: a newer entry for the same workflow and version is added to it. */
export function addImplementations(
  before: readonly Implementation[],
  more: readonly Implementation[],
): readonly Implementation[] {
  const seen = new Set(before.map((i) => JSON.stringify(i)));
  return [...before, ...more.filter((i) => !seen.has(JSON.stringify(i)))];
}
