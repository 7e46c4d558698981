/** What a caller says when a run is started. */
import type { Context } from "../task/context.js";
import type { OpenValues } from "../task/context-types.js";

export interface StartOptions {
  /** Version to pin the run to; the current one by default. */
  readonly version?: string;
  /** Higher goes first. 0 by default. */
  readonly priority?: number;
  /** Free labels, copied to the run and to each lease. */
  readonly labels?: Readonly<Record<string, string>>;
  /** W3C trace context. */
  readonly traceparent?: string;
  /**
   * The same id with the same content starts one run, however often it is said. A random one by default, so that a call that
   * is repeated by the transport does not start two.
   */
  readonly requestId?: string;
  /**
   * The run is cancelled when it is not over so many milliseconds after it was accepted; time in which it is paused, and in
   * which no scheduler runs, counts. No limit by default.
   */
  readonly timeoutMs?: number;
}

/** What a run starts with: a context, or plain values. */
export type StartInput<Input extends object = OpenValues> = Context<object> | Input;

/** What comes after the workflow in a call that starts a run. The input may be left out where the workflow needs none. */
export type StartArguments<Input extends object> =
  Record<never, never> extends Input
    ? [input?: StartInput<Input>, options?: StartOptions]
    : [input: StartInput<Input>, options?: StartOptions];
