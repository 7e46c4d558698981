/** gRPC: our services, health and reflection. The hot path: what hosts speak. */
import type { Message } from "@bufbuild/protobuf";
import { HostService } from "@cloaca/protocol";
import { type handleUnaryCall, Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { Scheduler } from "../engine/scheduler.js";
import type { Door } from "./door.js";
import type { OnGone } from "./on-gone.js";
import { addReflection } from "./reflection.js";
import { serverStream } from "./server-stream.js";
import { Malformed, serviceDefinition } from "./service-definition.js";
import { SERVICES, type ServedMethod } from "./service-methods.js";
import { toStatus } from "./status.js";
import { malformed, work } from "./work.js";

export function grpcDoor(scheduler: Scheduler, methods: readonly ServedMethod[]): Door {
  const { maxMessageBytes } = scheduler.options.limits;
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": 100_000,
    // Books about each call that nobody reads.
    "grpc.enable_channelz": 0,
    // Megabytes that a session may buffer (a thousand task runs may end in one message).
    "grpc-node.max_session_memory": 64,
    // Peers on C-core refuse pings that come more often than their server permits: permit theirs, and ask seldom.
    "grpc.keepalive_time_ms": 300_000,
    "grpc.keepalive_permit_without_calls": 1,
  });
  const healthNames = ["", ...SERVICES.map((service) => service.typeName)];
  const health = new HealthImplementation(Object.fromEntries(healthNames.map((name) => [name, "SERVING"])));
  addServices(server, scheduler, methods);
  health.addToServer(server);
  addReflection(server);
  // Connections of our own listener: grpc-js waits for ever for the end of one whose peer does not read.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    take: (socket) => injector.injectConnection(socket),
    close(graceMs) {
      for (const name of healthNames) health.setStatus(name, "NOT_SERVING");
      // Not `forceShutdown`: without channelz it knows no sessions, and cuts none.
      injector.drain(graceMs);
      server.tryShutdown(() => {});
    },
  };
}

function addServices(server: Server, scheduler: Scheduler, methods: readonly ServedMethod[]): void {
  for (const service of SERVICES) {
    const handlers: UntypedServiceImplementation = {};
    for (const { kind, method, answer } of methods) {
      if (method.parent !== service) continue;
      handlers[method.localName] = kind === "unary" ? unary(answer) : serverStream(answer);
    }
    if (service === HostService) {
      handlers[HostService.method.work.localName] = (call: Parameters<typeof work>[1]) => work(scheduler, call);
    }
    server.addService(serviceDefinition(service), handlers);
  }
}

/** Everything that a handler throws becomes a status in one place. */
function unary<I extends Message, O extends object>(
  answer: (request: I, onGone: OnGone) => Promise<O>,
): handleUnaryCall<I, O> {
  return (call, callback) => {
    const request: I | Malformed = call.request;
    if (request instanceof Malformed) {
      callback(toStatus(malformed(request)));
      return;
    }
    answer(request, (callback) => call.on("cancelled", callback)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(toStatus(error)),
    );
  };
}
