/** What came in since the last turn. P7: host events come before control requests. */
import { CloacaError } from "../core/errors.js";
import type { Connection } from "./connection.js";
import type { Hello, HostEvent } from "./events.js";

export interface Opening {
  readonly connection: Connection;
  readonly hello: Hello;
}

export interface Incoming {
  readonly connection: Connection;
  readonly event: HostEvent;
}

/** A request of a client, answered after the commit of its turn. */
export interface ControlRequest<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: CloacaError) => void;
}

/** Requests of one kind that wait for the next turn. */
export class RequestQueue<Input, Output> {
  #waiting: ControlRequest<Input, Output>[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => this.#waiting.push({ input, resolve, reject }));
  }

  take(): ControlRequest<Input, Output>[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }
}

/** Answers requests with the results of the same order; a result that is an error rejects its request. */
export function answer<Input, Output>(
  requests: readonly ControlRequest<Input, Output>[],
  results: readonly (Output | CloacaError)[],
): void {
  requests.forEach((request, index) => {
    const result = results[index];
    if (result === undefined) request.reject(noResult());
    else if (result instanceof CloacaError) request.reject(result);
    else request.resolve(result);
  });
}

export function noResult(): CloacaError {
  return new CloacaError("INTERNAL", "the store gave no result for the request");
}
