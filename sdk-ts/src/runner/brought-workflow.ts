/** A workflow that a host brings, and what the scheduler says to it (P13). */
import type { Offer, WireWorkflow } from "../protocol/words.js";
import type { ResolvedTask, WorkflowDefinition } from "../task/definition.js";
import { toWireWorkflow } from "../task/wire-workflow.js";

export class BroughtWorkflow {
  readonly wire: WireWorkflow;
  readonly tasks: ReadonlyMap<string, ResolvedTask>;
  /** Resolves with the version; rejects when the scheduler does not take the workflow, or the host ends before it has. */
  readonly registered: Promise<string>;
  /** Whether a registration is on its way. */
  isAsked = false;
  #version: string | null = null;
  #resolve: (version: string) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  /** @param isLate whether it came after a `Hello` */
  constructor(
    readonly workflow: WorkflowDefinition<object>,
    readonly isLate: boolean,
  ) {
    this.wire = toWireWorkflow(workflow);
    this.tasks = new Map(workflow.tasks.map((task) => [task.id, task]));
    this.registered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who registers without waiting reads of a refusal in the log.
    this.registered.catch(() => {});
  }

  /** The version that the scheduler gave it; null until it has said so. */
  get version(): string | null {
    return this.#version;
  }

  get offer(): Offer {
    return { definitions: [this.wire], implementations: [{ workflow: this.wire.name, tasks: [], anyVersion: false }] };
  }

  registeredAs(version: string): void {
    this.#version = version;
    this.#resolve(version);
  }

  refused(error: unknown): void {
    this.#reject(error);
  }
}
