import type { Graph } from "../model.js";

/** What an audit needs to know of a graph. Tasks are addressed by their index in declared order. */
export interface AuditGraph {
  readonly tasks: readonly AuditTask[];
}

export interface AuditTask {
  readonly id: string;
  readonly dependencies: readonly number[];
  /** Retries after the first failure. */
  readonly retryAttempts: number;
  /** A trigger rule decides about its start; what it says is not in the log. */
  readonly hasRule: boolean;
  /** Tasks that handle its failure when they succeed. */
  readonly handlers: readonly number[];
}

export function auditGraphOf(graph: Graph): AuditGraph {
  return {
    tasks: graph.tasks.map(({ id, dependencies, retry, rule, handlers }) => ({
      id,
      dependencies,
      retryAttempts: retry.attempts,
      hasRule: rule !== null,
      handlers,
    })),
  };
}
