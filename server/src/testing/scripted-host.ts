import type { CloacaError } from "../core/errors.js";
import type { LeaseGrant } from "../core/grants.js";
import type { LeaseEvent } from "../core/lease-events.js";
import type { WorkflowDefinition } from "../core/model.js";
import type { Connection, Wire } from "../engine/connection.js";
import type { Hello, SchedulerEvent, Welcome } from "../engine/events.js";
import type { Scheduler } from "../engine/scheduler.js";

type EventOf<T extends SchedulerEvent["type"]> = Extract<SchedulerEvent, { type: T }>;

/** A host that says what a test tells it to, below the wire. */
export class ScriptedHost implements Wire {
  readonly heard: SchedulerEvent[] = [];
  isWritable = true;
  readonly repeats = false;
  closedWith: CloacaError | null | undefined = undefined;
  readonly connection: Connection;
  #seq = 0;

  constructor(scheduler: Scheduler) {
    this.connection = scheduler.connect(this);
  }

  send(events: readonly SchedulerEvent[]): void {
    this.heard.push(...events);
  }

  close(error: CloacaError | null): void {
    this.closedWith = error;
  }

  setReading(_reading: boolean): void {}

  hello(hello: Partial<Hello>, bytes = 0): void {
    this.connection.receive([{ seq: 0, type: "hello", hello: { ...DEFAULT_HELLO, ...hello }, bytes }]);
  }

  /** Says something about a lease; returns the number of the event. */
  say(event: LeaseEvent): number {
    const seq = ++this.#seq;
    this.connection.receive([{ seq, type: "lease_event", event }]);
    return seq;
  }

  setSlots(slots: number): void {
    this.connection.receive([{ seq: ++this.#seq, type: "set_slots", slots }]);
  }

  all<T extends SchedulerEvent["type"]>(type: T): EventOf<T>[] {
    return this.heard.filter((event): event is EventOf<T> => event.type === type);
  }

  get leases(): LeaseGrant[] {
    return this.all("lease").map((event) => event.lease);
  }

  get welcome(): Welcome | undefined {
    return this.all("welcome").at(-1)?.welcome;
  }

  /** What became of a numbered event: the exception, or APPLIED by `up_to`. */
  result(seq: number): string | undefined {
    const receipts = this.all("receipts");
    const exception = receipts.flatMap((r) => r.exceptions).find((e) => e.seq === seq);
    if (exception !== undefined) return exception.result;
    return receipts.some((r) => r.upTo >= seq) ? "APPLIED" : undefined;
  }
}

/** A workflow of plain tasks: id to dependencies. */
export function workflowOf(name: string, tasks: Readonly<Record<string, readonly string[]>>): WorkflowDefinition {
  return {
    name,
    description: "",
    tags: {},
    tasks: Object.entries(tasks).map(([id, dependencies]) => ({ id, dependencies, timeoutMs: 0 })),
  };
}

/** A `Hello` that offers whole workflows. */
export function offering(
  ...definitions: readonly WorkflowDefinition[]
): Pick<Hello, "definitions" | "implementations"> {
  return {
    definitions,
    implementations: definitions.map(({ name }) => ({ workflow: name, tasks: [], version: "", anyVersion: false })),
  };
}

export const DEFAULT_HELLO: Hello = {
  protocolMin: 1,
  protocolMax: 1,
  namespace: "default",
  hostId: "host",
  instanceId: "instance-1",
  resumeToken: "",
  sdk: "test",
  buildId: "",
  slots: 1,
  maxLeases: 0,
  labels: {},
  capabilities: [],
  held: [],
  requestedTtlMs: 0,
  more: false,
  definitions: [],
  implementations: [],
};
