/**
 * Connect and gRPC-Web over HTTP/1.1: curl, browsers, and whatever has no HTTP/2. The same methods as over gRPC; what is only
 * here is what the protocols differ in.
 */
import { createServer, type IncomingMessage } from "node:http";
import { HostService } from "@cloaca/protocol";
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { CloacaError } from "../core/errors.js";
import type { Door } from "../rpc/door.js";
import { SERVICES, type ServedMethod } from "../rpc/service-methods.js";
import { toConnectError } from "./connect-error.js";
import { Connections } from "./connections.js";
import { answerPreflight, checkOrigin } from "./origins.js";
import { explained, nothingThere, refuse } from "./refusal.js";

export interface ConnectOptions {
  /** Largest message, as it is sent: JSON takes more room than protobuf. */
  readonly maxMessageBytes: number;
  /** Pages that may call: `https://example.com`, or `*` for all. */
  readonly allowOrigins: readonly string[];
}

/** Called once the library has made a message of what was sent. */
const onRead = createContextKey((): void => {}, { description: "called when the request has been read" });

export function connectDoor(methods: readonly ServedMethod[], options: ConnectOptions): Door {
  const handlers = handlersOf(methods, options);
  const connections = new Connections();
  // It never listens by itself: it is given connections.
  const server = createServer((request, response) => {
    connections.answering(request.socket, response);
    try {
      checkOrigin(request, response, options.allowOrigins);
      if (answerPreflight(request, response)) return;
      const handler = handlers.get(pathOf(request));
      if (handler === undefined) return refuse(response, nothingThere(request, handlers.keys()), 404);
      let isRead = false;
      const values = createContextValues().set(onRead, () => {
        isRead = true;
      });
      const asked = universalRequestFromNodeRequest(request, response, undefined, values);
      // The library's own body would end the connection, and the answer with it, where it is not read to its end.
      handler({ ...asked, body: request.iterator({ destroyOnReturn: false }) })
        .then(async (answer) =>
          universalResponseToNodeResponse(await explained(answer, handler.method, isRead), response),
        )
        // The caller has gone, or cannot be told any more.
        .catch(() => response.destroy());
    } catch (error) {
      refuse(response, error);
    }
  });
  return {
    take(socket) {
      connections.add(socket);
      socket.setNoDelay();
      server.emit("connection", socket);
    },
    close: () => connections.close(),
  };
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

function handlersOf(
  methods: readonly ServedMethod[],
  { maxMessageBytes }: ConnectOptions,
): Map<string, UniversalHandler> {
  const options: ConnectRouterOptions = {
    grpc: false,
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: maxMessageBytes,
    // P11: nothing is guessed. Who types JSON mistypes a name.
    jsonOptions: { ignoreUnknownFields: false },
  };
  const router = createConnectRouter(options);
  for (const method of methods) addMethod(router, method);
  // Over HTTP/1.1 the library refuses it before it would come to this.
  router.rpc(HostService.method.work, () => {
    throw new CloacaError("UNSUPPORTED", "a two-way stream needs gRPC");
  });
  if (router.handlers.length !== SERVICES.flatMap((service) => service.methods).length) {
    throw new CloacaError("INTERNAL", "a method has no implementation");
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

function addMethod(router: ConnectRouter, { kind, method, answer }: ServedMethod): void {
  if (kind === "stream") {
    router.rpc(method, async function* (request, context) {
      context.values.get(onRead)();
      try {
        yield* answer(request, context.signal);
      } catch (error) {
        throw toConnectError(error);
      }
    });
    return;
  }
  router.rpc(method, async (request, context) => {
    context.values.get(onRead)();
    try {
      const response = await answer(request, (callback) => whenGone(context, callback));
      // An answer after the deadline is none.
      context.signal.throwIfAborted();
      return response;
    } catch (error) {
      throw toConnectError(error);
    }
  });
}

function whenGone({ signal }: HandlerContext, callback: () => void): void {
  if (signal.aborted) callback();
  else signal.addEventListener("abort", callback, { once: true });
}
