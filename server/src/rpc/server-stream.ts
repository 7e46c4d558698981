/** A stream of answers as a call of grpc-js. */
import type { Message } from "@bufbuild/protobuf";
import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import { Malformed } from "./service-definition.js";
import { toStatus } from "./status.js";
import { malformed } from "./work.js";

/** At most one message is under way: a client that does not read holds its watch up, and nothing piles up for it. */
export function serverStream<I extends Message, O extends object>(
  answer: (request: I, signal: AbortSignal) => AsyncIterable<O>,
): handleServerStreamingCall<I, O> {
  return (call) => {
    const request: I | Malformed = call.request;
    if (request instanceof Malformed) call.emit("error", toStatus(malformed(request)));
    else pump(call, request, answer).catch((error: unknown) => call.emit("error", toStatus(error)));
  };
}

async function pump<I, O>(
  call: ServerWritableStream<I, O>,
  request: I,
  answer: (request: I, signal: AbortSignal) => AsyncIterable<O>,
): Promise<void> {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort());
  call.on("close", () => gone.abort());
  for await (const message of answer(request, gone.signal)) await write(call, message, gone.signal);
  call.end();
}

function write<T>(call: ServerWritableStream<unknown, T>, message: T, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    // grpc-js says nothing more about messages of a call that was cancelled.
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
    else call.write(message, done);
  });
}
