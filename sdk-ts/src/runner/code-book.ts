/**
 * What a host has code for (P13). A workflow that it brings is bound to the version that the scheduler computes for it, and
 * several versions may live side by side: a run goes on with the code that it was started with. A task that it implements
 * for a workflow of somebody else serves any version.
 */
import { oversize } from "../protocol/message-size.js";
import type { Implementation, Lease, Offer, RegisteredWorkflow, WireWorkflow } from "../protocol/words.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import { BroughtWorkflow } from "./brought-workflow.js";

export class CodeBook {
  /** By name, in the order in which they came. */
  readonly #brought = new Map<string, readonly BroughtWorkflow[]>();
  /** Code for whatever version: workflow, then task. */
  readonly #implementations = new Map<string, Map<string, ResolvedTask>>();

  /** There is code for nothing. */
  get isEmpty(): boolean {
    return this.#brought.size === 0 && this.#implementations.size === 0;
  }

  /**
   * Enters a workflow; the same one again is what is there already.
   *
   * @param isLate whether a `Hello` was said before: the next one carries it only when it has been registered, since a
   *   `Hello` is refused as a whole
   */
  bring(
    workflow: WorkflowDefinition<object>,
    isLate = false,
  ): { readonly brought: BroughtWorkflow; readonly isNew: boolean } {
    const versions = this.#brought.get(workflow.name) ?? [];
    const known = versions.find((b) => b.workflow === workflow);
    if (known !== undefined) return { brought: known, isNew: false };
    const brought = new BroughtWorkflow(workflow, isLate);
    this.#brought.set(workflow.name, [...versions, brought]);
    return { brought, isNew: true };
  }

  /** Takes a workflow out that the scheduler did not take. */
  drop(brought: BroughtWorkflow): void {
    this.#keep(brought.wire.name, (b) => b !== brought);
  }

  implement(workflow: string, task: ResolvedTask): Offer {
    const tasks = this.#implementations.get(workflow) ?? new Map<string, ResolvedTask>();
    this.#implementations.set(workflow, tasks.set(task.id, task));
    return { definitions: [], implementations: [anyVersionOf(workflow, tasks)] };
  }

  /**
   * What a `Hello` says, which can name a workflow once: the oldest of each name.
   *
   * @param maxMessageBytes larger workflows are left out, with all of their name: they are registered one by one (P10)
   */
  offer(maxMessageBytes = Number.POSITIVE_INFINITY): Offer {
    const definitions: WireWorkflow[] = [];
    const implementations: Implementation[] = [];
    for (const versions of this.#brought.values()) {
      const oldest = versions.find((b) => b.version !== null || !b.isLate);
      if (oldest === undefined || oversize(oldest.offer, maxMessageBytes) !== null) continue;
      definitions.push(...oldest.offer.definitions);
      implementations.push(...oldest.offer.implementations);
    }
    for (const [workflow, tasks] of this.#implementations) implementations.push(anyVersionOf(workflow, tasks));
    return { definitions, implementations };
  }

  /** What has to be registered after a `Hello`, one by one and in their order, so that the newest stays the newest. */
  missingIn(definitions: readonly WireWorkflow[]): BroughtWorkflow[] {
    const said = new Set(definitions);
    return [...this.#brought.values()].flat().filter((b) => !said.has(b.wire));
  }

  /** The scheduler has registered these, and said their versions. */
  registered(definitions: readonly WireWorkflow[], workflows: readonly RegisteredWorkflow[]): void {
    definitions.forEach((wire, index) => {
      const version = workflows[index]?.version;
      const brought = this.#brought.get(wire.name)?.find((b) => b.wire === wire);
      if (brought === undefined || version === undefined) return;
      brought.registeredAs(version);
      // The same graph, built again: its newer code takes over.
      const newest = this.#brought.get(wire.name)?.findLast((b) => b.version === version);
      this.#keep(wire.name, (b) => b.version !== version || b === newest);
    });
  }

  /** The host has ended: nobody will hear of what is not registered. */
  end(error: unknown): void {
    for (const versions of this.#brought.values()) for (const brought of versions) brought.refused(error);
  }

  /** The code for a lease; null when there is none. */
  find({ workflow, workflowVersion, task }: Pick<Lease, "workflow" | "workflowVersion" | "task">): ResolvedTask | null {
    const versions = this.#brought.get(workflow) ?? [];
    const known = versions.find((b) => b.version === workflowVersion) ?? onlyUnanswered(versions);
    return known?.tasks.get(task) ?? this.#implementations.get(workflow)?.get(task) ?? null;
  }

  #keep(name: string, isKept: (brought: BroughtWorkflow) => boolean): void {
    const left = (this.#brought.get(name) ?? []).filter(isKept);
    if (left.length > 0) this.#brought.set(name, left);
    else this.#brought.delete(name);
  }
}

/**
 * A lease can overtake the version of its workflow when the connection breaks that carried it. The scheduler gives leases of
 * versions that were registered alone, so it belongs to the one whose answer is missing; of several, nobody guesses.
 */
function onlyUnanswered(versions: readonly BroughtWorkflow[]): BroughtWorkflow | undefined {
  const unanswered = versions.filter((b) => b.version === null);
  return unanswered.length === 1 ? unanswered[0] : undefined;
}

function anyVersionOf(workflow: string, tasks: ReadonlyMap<string, ResolvedTask>): Implementation {
  return { workflow, tasks: [...tasks.keys()], anyVersion: true };
}
