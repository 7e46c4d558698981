/** A scheduler in this very process, spoken to in the bytes that would travel: for @cloaca/sdk/testing. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { WatchRunsResponseSchema, WorkRequestSchema, WorkResponseSchema } from "@cloaca/protocol";
import { RemoteError } from "../errors/index.js";
import type { UnaryCalls } from "./calls.js";
import { decodeEvent } from "./decode.js";
import { encodeEvent, encodeHeartbeat, encodeHello, type HostEventInit } from "./encode.js";
import { eventInfo, type RunEventInfo } from "./run-info.js";
import type { Hello, NumberedEvent, SchedulerSays } from "./words.js";

/** An error as the scheduler throws it. */
interface SchedulerError {
  readonly code: string;
  readonly message: string;
  readonly problems: readonly { readonly field: string; readonly description: string }[];
}

/** The scheduler's door, as `simulate` of @cloaca/server/embedded makes it. */
export interface InMemoryPeer {
  connect(host: { heard(message: Uint8Array): void; ended(error: SchedulerError | null): void }): {
    send(message: Uint8Array): void;
    end(): void;
  };
  call(
    method: "startRuns" | "getRun" | "listTaskRuns" | "explainRun" | "cancelRun",
    request: Uint8Array,
  ): Promise<Uint8Array>;
  readLog(runId: string): Promise<Uint8Array>;
  onRunEnd(runId: string, callback: () => void): void;
}

export interface InMemoryWork {
  hello(hello: Hello): void;
  send(events: readonly NumberedEvent[]): void;
  heartbeat(nonce: number): void;
}

/** Opens the host's stream. */
export function openInMemoryWork(
  peer: InMemoryPeer,
  listener: { heard(events: readonly SchedulerSays[]): void; ended(error: RemoteError | null): void },
): InMemoryWork {
  const stream = peer.connect({
    heard: (message) =>
      listener.heard(fromBinary(WorkResponseSchema, message).events.flatMap((event) => decodeEvent(event) ?? [])),
    ended: (error) => listener.ended(error === null ? null : remoteError(error)),
  });
  const send = (events: HostEventInit[]): void =>
    stream.send(toBinary(WorkRequestSchema, create(WorkRequestSchema, { events })));
  return {
    hello: (hello) => send(encodeHello(hello)),
    send: (events) => send(events.map(encodeEvent)),
    heartbeat: (nonce) => send([encodeHeartbeat(nonce, 0)]),
  };
}

/** The calls of the control plane. */
export function inMemoryCalls(peer: InMemoryPeer): UnaryCalls {
  return {
    async unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      request: MessageInitShape<I>,
    ): Promise<MessageShape<O>> {
      const bytes = toBinary(method.input, create(method.input, request));
      try {
        return fromBinary(
          method.output,
          await peer.call(method.localName as Parameters<InMemoryPeer["call"]>[0], bytes),
        );
      } catch (error) {
        throw isSchedulerError(error) ? remoteError(error) : error;
      }
    },
  };
}

/** The log of a run, from its first event. */
export async function inMemoryLog(peer: InMemoryPeer, runId: string): Promise<RunEventInfo[]> {
  return fromBinary(WatchRunsResponseSchema, await peer.readLog(runId)).events.map(eventInfo);
}

function remoteError({ code, message, problems }: SchedulerError): RemoteError {
  return new RemoteError(code, message, {
    problems: problems.map(({ field, description }) => ({ path: field, message: description })),
  });
}

function isSchedulerError(error: unknown): error is SchedulerError {
  return error instanceof Error && "code" in error && "problems" in error && Array.isArray(error.problems);
}
