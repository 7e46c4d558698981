/**
 * Connect and gRPC-Web over HTTP/1.1: curl, browsers, and whatever has no HTTP/2. The same methods as over gRPC; what is only
 * here is what the protocols differ in.
 */
import { createServer } from "node:http";
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
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { CloacaError } from "../core/errors.js";
import type { Door } from "../rpc/door.js";
import { SERVICES, type ServedMethod } from "../rpc/service-methods.js";
import { toConnectError } from "./connect-error.js";
import { Connections } from "./connections.js";
import { answerPreflight, checkOrigin } from "./origins.js";
import { COMPRESSIONS, explained, nothingThere, pathOf, refuse } from "./refusal.js";
import { lingering } from "./unread.js";

export interface ConnectOptions {
  /** Largest message, as it is sent: JSON takes more room than protobuf. */
  readonly maxMessageBytes: number;
  /** Pages that may call: `https://example.com`, or `*` for all. */
  readonly allowOrigins: readonly string[];
  /** Left out: `TIME_LIMITS`. */
  readonly timeLimits?: TimeLimits;
}

/** Milliseconds in which a request has to arrive; its answer may take as long as it takes. */
export interface TimeLimits {
  /** For its head, and for the first byte of a connection. */
  readonly headersTimeout: number;
  /** For all of it. At least `headersTimeout`. */
  readonly requestTimeout: number;
  /** How often both are looked at: a request may be late by as much. */
  readonly connectionsCheckingInterval: number;
}

const TIME_LIMITS: TimeLimits = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000 };

/** As gRPC's connections are probed. */
const KEEP_ALIVE_MS = 300_000;

/** Called once the library has made a message of what was sent. */
const onRead = createContextKey((): void => {}, { description: "called when the request has been read" });

export function connectDoor(methods: readonly ServedMethod[], options: ConnectOptions): Door {
  const handlers = handlersOf(methods, options);
  const connections = new Connections();
  // It never listens by itself: it is given connections.
  const server = createServer({ ...(options.timeLimits ?? TIME_LIMITS) }, (request, response) => {
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
      // The library makes a URL of it, fails where that is none, and then nobody reads it.
      request.headers.host = "localhost";
      const asked = universalRequestFromNodeRequest(request, response, undefined, values);
      // The library's own body would end the connection, and the answer with it, where it is not read to its end.
      handler({ ...asked, body: request.iterator({ destroyOnReturn: false }) })
        .then(async (answer) => {
          const told = await explained(answer, handler.method, isRead);
          const isRefusal = !isRead && told.status >= 400;
          await universalResponseToNodeResponse(isRefusal ? lingering(told, response) : told, response);
        })
        // The caller has gone, or cannot be told any more.
        .catch(() => response.destroy());
    } catch (error) {
      refuse(response, error);
    }
  });
  // Node begins to look at the time limits when a server listens, which this one never does by itself.
  server.emit("listening");
  return {
    take(socket) {
      connections.add(socket);
      socket.setNoDelay();
      // A watcher has nothing to say: without it, one that vanished without a word would be kept for ever.
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      server.emit("connection", socket);
    },
    close: () => connections.close(() => server.close()),
  };
}

function handlersOf(
  methods: readonly ServedMethod[],
  { maxMessageBytes }: ConnectOptions,
): Map<string, UniversalHandler> {
  const options: ConnectRouterOptions = {
    grpc: false,
    acceptCompression: [...COMPRESSIONS],
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
