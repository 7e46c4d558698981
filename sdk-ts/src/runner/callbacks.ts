/**
 * Calls the callbacks of a task for one execution: of its end as the scheduler has it, and of one end alone. A failure may be
 * heard of twice: with `Cancel`, and again with the verdict of the next `Welcome` (P6).
 */
import { ErrorRecord } from "../errors/index.js";
import type { NextAttempt } from "../protocol/words.js";
import type { Context } from "../task/context.js";
import type { ResolvedTask, TaskInfo } from "../task/definition.js";

/** What callbacks are told of, and where is logged what they throw. */
export interface ToldExecution {
  readonly task: ResolvedTask;
  /** What the code works on; once it has ended, what it leaves behind. */
  readonly context: Context;
  readonly port: { warn(message: string, fields: Readonly<Record<string, unknown>>): void };
  info(): TaskInfo;
}

export class Callbacks {
  #isOver = false;

  constructor(readonly execution: ToldExecution) {}

  succeeded(): void {
    const { task, context } = this.execution;
    this.#end("onSuccess", () => task.onSuccess?.(task.id, context, this.execution.info()));
  }

  /** @param next the attempt that follows; null when the failure is final */
  failed(error: ErrorRecord, next: NextAttempt | null): void {
    const { task, context } = this.execution;
    const info = this.execution.info();
    if (next === null) this.#end("onFailure", () => task.onFailure?.(task.id, error, context, info));
    else this.#end("onRetry", () => task.onRetry?.(task.id, error, context, { ...info, ...next }));
  }

  #end(name: string, call: () => unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#call(name, call);
  }

  /** What callbacks throw is logged, and has no effect. */
  async #call(callback: string, call: () => unknown): Promise<void> {
    try {
      await call();
    } catch (error) {
      const { task, port } = this.execution;
      port.warn("callback_failed", { callback, task: task.id, error: String(ErrorRecord.from(error)) });
    }
  }
}
