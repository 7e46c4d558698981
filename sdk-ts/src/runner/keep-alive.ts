/** The main thread's side of the keep-alive thread. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Welcome } from "../protocol/words.js";
import type { HostLog } from "./host-log.js";

export interface KeepAliveData {
  readonly url: string;
  /** One counter that the main thread moves as long as its loop turns. */
  readonly beats: SharedArrayBuffer;
}

export type KeepAliveMessage =
  | "stop"
  | { readonly sessionId: string; readonly resumeToken: string; readonly intervalMs: number };

export class KeepAlive {
  readonly #beats = new SharedArrayBuffer(4);
  readonly #counter = new Int32Array(this.#beats);
  #worker: Worker | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    readonly url: string,
    readonly log: HostLog,
  ) {}

  /**
   * Starts the thread and resolves once it runs: it could not start while task code holds the main thread. Resolves as well
   * when there is none to start; the host then lives without it.
   */
  async start(): Promise<void> {
    const worker = this.#spawn();
    if (worker === null) return;
    this.#worker = worker;
    await new Promise<void>((resolve) => {
      worker.once("message", () => resolve());
      worker.once("error", () => resolve());
      worker.once("exit", () => resolve());
    });
  }

  /** Watches over a session from here on. */
  watch({ sessionId, resumeToken, heartbeatIntervalMs }: Welcome): void {
    this.#worker?.postMessage({ sessionId, resumeToken, intervalMs: heartbeatIntervalMs } satisfies KeepAliveMessage);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = setInterval(() => Atomics.add(this.#counter, 0, 1), heartbeatIntervalMs / 4);
    this.#timer.unref();
    // The thread keeps no process alive that has nothing else to do.
    this.#worker?.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    const worker = this.#worker;
    this.#worker = null;
    if (worker === null) return;
    worker.postMessage("stop" satisfies KeepAliveMessage);
    await worker.terminate();
  }

  #spawn(): Worker | null {
    const file = workerFile();
    if (file === null) {
      this.log.warn("keep_alive_missing", {
        reason: "keep-alive-worker.js is not beside the SDK; was it bundled without it?",
      });
      return null;
    }
    const worker = new Worker(file, {
      execArgv: [],
      workerData: { url: this.url, beats: this.#beats } satisfies KeepAliveData,
    });
    worker.on("error", (error) => {
      this.log.warn("keep_alive_failed", { error: error.message });
      this.#worker = null;
    });
    return worker;
  }
}

/** Beside this module; for the sources, which no thread can load, what the compiler made of them. */
function workerFile(): URL | null {
  const beside = new URL("./keep-alive-worker.js", import.meta.url);
  const built = new URL("../../dist/runner/keep-alive-worker.js", import.meta.url);
  return [beside, built].find((file) => existsSync(fileURLToPath(file))) ?? null;
}
