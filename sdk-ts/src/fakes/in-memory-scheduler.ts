/** A scheduler without a wire: hears what a session says, and says what a test tells it to. It keeps no books. */
import type {
  HeldLease,
  Hello,
  HostSays,
  Lease,
  NumberedEvent,
  Receipt,
  SchedulerSays,
  Verdict,
  Welcome,
} from "../protocol/words.js";
import { CodeBook } from "../runner/code-book.js";
import { HostSession } from "../runner/session.js";
import { type Code, plainWorkflow } from "./plain-workflow.js";

type SaysOf<T extends HostSays["type"]> = Extract<HostSays, { type: T }>;

export class InMemoryScheduler {
  readonly session: HostSession;
  readonly code = new CodeBook();
  /** What came on this connection, in its order. */
  heard: NumberedEvent[] = [];
  /** Messages that came on this connection. */
  messages = 0;
  readonly warnings: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  hello: Hello;
  #leases = 0;
  #taken = 0;
  #wakeUp: () => void = () => {};

  /** @param tasks the code of a workflow `work`, which the session has */
  constructor(tasks: Readonly<Record<string, Code | Code["fn"]>> = {}) {
    this.code.bring(plainWorkflow("work", tasks));
    const own = { namespace: "", hostId: "h", instanceId: "instance", buildId: "", slots: 1, maxLeases: 0, labels: {} };
    this.session = new HostSession({
      ...own,
      log: { info: () => {}, warn: (message, fields) => void this.warnings.push({ message, fields }) },
      offer: (maxMessageBytes) => this.code.offer(maxMessageBytes),
      find: (lease) => this.code.find(lease),
      registered: (definitions, workflows) => this.code.registered(definitions, workflows),
      changed: () => {},
    });
    this.hello = this.session.hello();
  }

  /** The session says Hello on a new connection, and is welcomed. */
  connect(changes: Partial<Welcome> = {}): void {
    this.session.detach();
    this.heard = [];
    this.#taken = 0;
    this.messages = 0;
    this.hello = this.session.hello();
    const welcome: Welcome = {
      sessionId: "s1",
      resumeToken: "token",
      generation: 1,
      resumed: this.hello.resumeToken !== "",
      ttlMs: 15_000,
      heartbeatIntervalMs: 5_000,
      limits: { maxMessageBytes: 4_194_304, maxPatchBytes: 1_000_000, maxFailureBytes: 4_096 },
      verdicts: [],
      workflows: this.hello.definitions.map(({ name }) => ({ name, version: `${name}-1` })),
      ...changes,
    };
    this.session.attach({ send: (events) => this.#hear(events) }, welcome, this.hello);
  }

  disconnect(): void {
    this.session.detach();
  }

  /** Gives a lease out; returns its id. */
  lease(task: string, more: Partial<Lease> = {}): string {
    const leaseId = `l${++this.#leases}`;
    const run = { namespace: "default", runId: "r1", workflow: "work", workflowVersion: "work-1" };
    const lease = { leaseId, task, taskRunId: `r1/${task}`, attempt: 1, recovery: 0, fence: 1, ...run };
    this.say({ type: "lease", lease: { ...lease, input: {}, checkpoint: { set: {}, removed: [] }, ...more } });
    return more.leaseId ?? leaseId;
  }

  say(said: SchedulerSays): void {
    this.session.hear(said);
  }

  /** Receipts for everything that came on this connection; APPLIED, but for the exceptions. */
  receipt(...exceptions: (Partial<Receipt> & Pick<Receipt, "seq">)[]): void {
    const full = exceptions.map(
      (e): Receipt => ({ result: "APPLIED", code: "", message: "", isFinalFailure: false, ...e }),
    );
    this.say({ type: "receipts", upTo: this.heard.at(-1)?.seq ?? 0, exceptions: full });
  }

  /** The next event of this connection that no call has returned; fails when it is of another type. */
  async next<T extends HostSays["type"]>(type: T): Promise<SaysOf<T> & { readonly seq: number }> {
    while (this.heard.length === this.#taken) {
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
      });
    }
    const { seq, event } = this.heard[this.#taken++] ?? { seq: 0, event: null };
    if (event?.type !== type) throw new Error(`the session said ${JSON.stringify(event)}, not ${type}`);
    return { ...(event as SaysOf<T>), seq };
  }

  /** Resolves when everything has run that was ready to run, and is said. */
  async settled(): Promise<void> {
    // Two turns: one for what is ready now, one for the flush that it planned.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Types of what came on this connection. */
  types(): string[] {
    return this.heard.map(({ event }) => event.type);
  }

  /** Leases that a Hello would list now. */
  held(): readonly HeldLease[] {
    return this.session.hello().held;
  }

  verdict(leaseId: string, more: Partial<Verdict>): Verdict {
    const fencing = { reason: "UNSPECIFIED", detail: "" } as const;
    return { leaseId, state: "HELD", deferral: 0, outcome: null, fencing, ...more };
  }

  #hear(events: readonly NumberedEvent[]): void {
    this.messages++;
    this.heard.push(...events);
    this.#wakeUp();
  }
}
