/** The host of a workflow in a test: the session of a real host, its messages handed over in memory. */
import { RemoteError } from "../errors/index.js";
import { type InMemoryPeer, type InMemoryWork, openInMemoryWork } from "../protocol/in-memory.js";
import type { SchedulerSays, Welcome } from "../protocol/words.js";
import { CodeBook } from "../runner/code-book.js";
import { QUIET } from "../runner/host-log.js";
import { HostSession } from "../runner/session.js";
import type { WorkflowDefinition } from "../task/definition.js";
import type { World } from "./world.js";

export class HostInMemory {
  readonly #session: HostSession;
  readonly #code = new CodeBook();
  /** Version of the workflow, once it is registered. */
  version: string | null = null;

  constructor(
    readonly world: World,
    readonly workflow: WorkflowDefinition<object>,
    slots: number,
  ) {
    this.#code.bring(workflow);
    this.#session = new HostSession({
      namespace: "",
      hostId: "test",
      instanceId: "a-test-in-memory",
      buildId: "",
      slots,
      maxLeases: 0,
      labels: {},
      log: QUIET,
      time: world,
      offer: () => this.#code.offer(),
      find: (lease) => this.#code.find(lease),
      registered: (definitions, workflows) => this.#code.registered(definitions, workflows),
      changed: () => {},
    });
  }

  /** Nothing runs, and nothing is owed. */
  get isIdle(): boolean {
    return this.#session.isIdle;
  }

  connect(peer: InMemoryPeer): void {
    const hello = this.#session.hello();
    const work = openInMemoryWork(peer, {
      heard: (events) => {
        for (const event of events) hear(event);
      },
      // It is never ended but by a refusal: of the workflow, for example.
      ended: (error) => this.world.fail(error ?? new RemoteError("INTERNAL", "the scheduler has ended the stream")),
    });
    const hear = (event: SchedulerSays): void => {
      if (event.type !== "welcome") {
        this.#session.hear(event);
        return;
      }
      const { welcome } = event;
      this.#session.attach({ send: (events) => work.send(events) }, welcome, hello);
      this.#beat(work, welcome, 1);
      this.version = welcome.workflows[0]?.version ?? "";
    };
    work.hello(hello);
  }

  #beat(work: InMemoryWork, welcome: Welcome, nonce: number): void {
    this.world.after(welcome.heartbeatIntervalMs, () => {
      work.heartbeat(nonce);
      this.#beat(work, welcome, nonce + 1);
    });
  }
}
