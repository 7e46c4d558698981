/** A host of the fault tests, in a process of its own that a test may kill, stop and continue. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { FencedStore, fenceOf, taskRunOf } from "./fenced-store.js";

const PROGRAM = fileURLToPath(new URL("../fault/programs/fault-host.mjs", import.meta.url));

/** What the program says. */
export type Said =
  | { readonly type: "ready" }
  /** An execution begins. */
  | { readonly type: "executes"; readonly task: string; readonly leaseId: string }
  /** Its effect; it waits for the verdict. */
  | { readonly type: "writes"; readonly leaseId: string }
  /** It was told to stop, for this reason. */
  | { readonly type: "aborted"; readonly leaseId: string; readonly reason: string }
  /** An event of the host's own log. */
  | { readonly type: "log"; readonly event: string; readonly fields: Readonly<Record<string, unknown>> };

type Heard = Said & { readonly at: number };
type HeardOf<T extends Said["type"]> = Extract<Heard, { type: T }>;

function isOf<T extends Said["type"]>(type: T, said: Heard): said is HeardOf<T> {
  return said.type === type;
}

export interface FaultHostOptions {
  readonly address: string;
  readonly hostId: string;
  readonly slots: number;
  /** What its tasks write into; a new one by default. */
  readonly store?: FencedStore;
}

export class FaultHost {
  /** Everything that it has said, and when that was heard, by `performance.now`. */
  readonly said: Heard[] = [];
  readonly #exit: Promise<unknown>;
  readonly #wake = new Set<() => void>();
  #isOver = false;

  private constructor(
    readonly child: ChildProcess,
    readonly store: FencedStore,
  ) {
    child.on("message", (message: Said) => this.#hear(message));
    this.#exit = once(child, "exit").then(() => {
      this.#isOver = true;
      this.#wakeAll();
    });
  }

  /** Resolves once the scheduler has welcomed it. */
  static async start({ store = new FencedStore(), ...options }: FaultHostOptions): Promise<FaultHost> {
    const child = fork(PROGRAM, [JSON.stringify(options)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const host = new FaultHost(child, store);
    await host.until("ready");
    return host;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Leases whose code was executed, in their order. */
  get executed(): string[] {
    return this.said.flatMap((s) => (s.type === "executes" ? [s.leaseId] : []));
  }

  /** Resolves with the n-th thing of a kind that it says and that fits, as soon as it is said. */
  async until<T extends Said["type"]>(
    type: T,
    fits: (said: HeardOf<T>) => boolean = () => true,
    count = 1,
  ): Promise<HeardOf<T>> {
    let from = 0;
    let left = count;
    for (;;) {
      for (; from < this.said.length; from++) {
        const said = this.said[from];
        if (said === undefined || !isOf(type, said) || !fits(said) || --left > 0) continue;
        return said;
      }
      if (this.#isOver) throw new Error(`the host ended and has said only ${count - left} of ${count} × ${type}`);
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  /** Lets those tasks of `hold` and `park` go on that wait now. */
  release(): void {
    this.child.send({ type: "release" });
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.child.kill(name);
  }

  /** Ends it; SIGTERM drains it. */
  async end(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    this.child.kill(signal);
    // A process that is stopped hears of nothing else.
    if (signal === "SIGKILL") this.child.kill("SIGCONT");
    await this.#exit;
  }

  #hear(message: Said): void {
    this.said.push({ ...message, at: performance.now() });
    if (message.type === "writes") {
      const { leaseId } = message;
      const verdict = this.store.write(taskRunOf(leaseId), fenceOf(leaseId));
      // It may have been killed meanwhile.
      if (this.child.connected) this.child.send({ type: "verdict", leaseId, verdict }, () => {});
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}
