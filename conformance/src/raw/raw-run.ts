/** One lease of the raw host: its context, what its code waits for, and why the code has to stop. */
import { create } from "@bufbuild/protobuf";
import { type Lease, type Patch, PatchSchema } from "@cloaca/protocol";

/** Thrown into code that has to stop. */
export class Stop extends Error {}

export class TaskFailure extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly kind: "transient" | "final" | "plain",
  ) {
    super(message);
  }
}

export type RunState = "HELD" | "DEFERRING" | "DEFERRED" | "RECLAIMING" | "FINISHED";

export class Run {
  state: RunState = "HELD";
  deferral = 0;
  stopping: "fenced" | "revoked" | "declined" | null = null;
  /** Ends what the code waits for. */
  goOn: ((outcome: number) => void) | null = null;
  condition: () => boolean = () => false;
  pollMs = 0;
  timer: NodeJS.Timeout | undefined;
  isStoppedSaid = false;
  isReclaimSaid = false;
  readonly #context: Map<string, string>;
  #set: Record<string, string> = {};
  #removed = new Set<string>();
  #rejects = new Set<(error: Stop) => void>();

  constructor(readonly lease: Lease) {
    // P5.3: what earlier executions committed, on top of the input.
    this.#context = new Map(Object.entries({ ...lease.input, ...lease.checkpoint?.set }));
    for (const key of lease.checkpoint?.removed ?? []) this.#context.delete(key);
  }

  get id(): string {
    return this.lease.leaseId;
  }

  text(key: string): string | undefined {
    return this.#context.get(key);
  }

  set(key: string, text: string): void {
    this.#context.set(key, text);
    this.#set[key] = text;
    this.#removed.delete(key);
  }

  remove(key: string): void {
    this.#context.delete(key);
    delete this.#set[key];
    this.#removed.add(key);
  }

  /** What was done since the last commit. */
  takePatch(): Patch {
    const patch = create(PatchSchema, { set: this.#set, removed: [...this.#removed] });
    this.#set = {};
    this.#removed = new Set();
    return patch;
  }

  stop(why: "fenced" | "revoked" | "declined"): void {
    this.stopping ??= why;
    clearTimeout(this.timer);
    for (const reject of this.#rejects) reject(new Stop());
    this.#rejects.clear();
  }

  /** Waits for something that ends by itself, or with the code. */
  wait<T>(begin: (resolve: (value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.stopping !== null) reject(new Stop());
      this.#rejects.add(reject);
      begin((value) => {
        this.#rejects.delete(reject);
        resolve(value);
      });
    });
  }
}

/** What a key of a patch counts besides its text and that of its value (P10). */
const KEY_OVERHEAD_BYTES = 16;

/** P10: how large a patch is. */
export function patchBytes({ set, removed }: Patch): number {
  const texts = [...Object.entries(set).flat(), ...removed];
  const keys = Object.keys(set).length + removed.length;
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), keys * KEY_OVERHEAD_BYTES);
}
