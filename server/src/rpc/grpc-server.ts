/** The gRPC server: our services, health and reflection on one port. */
import type { Socket } from "node:net";
import type { Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import {
  type ExchangeRequest,
  HostAdminService,
  HostService,
  type KeepAliveRequest,
  KeepAliveResponseSchema,
  RunService,
  WorkflowService,
} from "@cloaca/protocol";
import { type handleUnaryCall, Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { CloacaError } from "../core/errors.js";
import type { Scheduler } from "../engine/scheduler.js";
import { HostAdminServiceRpc, WorkflowServiceRpc } from "./admin-services.js";
import { checkSession, Exchange } from "./exchange.js";
import { Listener } from "./listener.js";
import type { OnGone } from "./on-gone.js";
import { addReflection } from "./reflection.js";
import { RunServiceRpc } from "./run-service.js";
import { Malformed, serviceDefinition } from "./service-definition.js";
import { toStatus } from "./status.js";
import { malformed, work } from "./work.js";

const SERVICES = [HostService, WorkflowService, RunService, HostAdminService];

export interface GrpcServer {
  /** Host and port that it listens on. */
  readonly address: string;
  /** Ends: open calls have `graceMs` to finish, then they are cut, whether their peers read that or not. */
  stop(graceMs: number): Promise<void>;
}

export async function startGrpcServer(scheduler: Scheduler, address: string): Promise<GrpcServer> {
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
  addServices(server, scheduler);
  health.addToServer(server);
  addReflection(server);
  // Connections of our own listener: grpc-js waits for ever for the end of one whose peer does not read.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = await listen(address, (socket) => injector.injectConnection(socket));
  return {
    address: listener.address,
    async stop(graceMs) {
      for (const name of healthNames) health.setStatus(name, "NOT_SERVING");
      // Not `forceShutdown`: without channelz it knows no sessions, and cuts none.
      injector.drain(graceMs);
      server.tryShutdown(() => {});
      await listener.close(graceMs);
    },
  };
}

function addServices(server: Server, scheduler: Scheduler): void {
  const exchange = new Exchange(scheduler);
  const runs = new RunServiceRpc(scheduler);
  const workflows = new WorkflowServiceRpc(scheduler);
  const hosts = new HostAdminServiceRpc(scheduler);
  const add = (service: (typeof SERVICES)[number], handlers: UntypedServiceImplementation): void =>
    server.addService(serviceDefinition(service), handlers);

  add(HostService, {
    work: (call: Parameters<typeof work>[1]) => work(scheduler, call),
    exchange: unary((request: ExchangeRequest, onGone) => exchange.poll(request, onGone)),
    keepAlive: unary(async ({ sessionId, resumeToken, mainLoopLagMs }: KeepAliveRequest) => {
      checkSession(scheduler, sessionId, resumeToken);
      scheduler.keepAlive(sessionId);
      const connection = scheduler.connections.of(sessionId);
      if (connection !== null) connection.mainLoopLagMs = mainLoopLagMs;
      const ttlMs = scheduler.store.session(sessionId)?.spec.ttlMs ?? 0;
      return create(KeepAliveResponseSchema, { ttlMs });
    }),
  });
  add(RunService, {
    startRun: unary(runs.startRun.bind(runs)),
    startRuns: unary(runs.startRuns.bind(runs)),
    getRun: unary(runs.getRun.bind(runs)),
    listRuns: unary(runs.listRuns.bind(runs)),
    listTaskRuns: unary(runs.listTaskRuns.bind(runs)),
    cancelRun: unary(runs.cancelRun.bind(runs)),
    pauseRun: unary(runs.pauseRun.bind(runs)),
    resumeRun: unary(runs.resumeRun.bind(runs)),
    retryRun: unary(runs.retryRun.bind(runs)),
    explainRun: unary(runs.explainRun.bind(runs)),
    watchRuns: (call: Parameters<RunServiceRpc["watchRuns"]>[0]) => {
      if (call.request instanceof Malformed) call.emit("error", toStatus(malformed(call.request)));
      else runs.watchRuns(call).catch((error: unknown) => call.emit("error", toStatus(error)));
    },
  });
  add(WorkflowService, {
    registerWorkflow: unary(workflows.registerWorkflow.bind(workflows)),
    getWorkflow: unary(workflows.getWorkflow.bind(workflows)),
    listWorkflows: unary(workflows.listWorkflows.bind(workflows)),
    pauseWorkflow: unary(workflows.pauseWorkflow.bind(workflows)),
    resumeWorkflow: unary(workflows.resumeWorkflow.bind(workflows)),
    promoteVersion: unary(workflows.promoteVersion.bind(workflows)),
  });
  add(HostAdminService, {
    listHosts: unary(hosts.listHosts.bind(hosts)),
    drainHost: unary(hosts.drainHost.bind(hosts)),
  });
}

/** Everything that a handler throws becomes a status in one place. */
function unary<I extends Message, O extends object>(
  handle: (request: I, onGone: OnGone) => Promise<O>,
): handleUnaryCall<I, O> {
  return (call, callback) => {
    const request: I | Malformed = call.request;
    if (request instanceof Malformed) {
      callback(toStatus(malformed(request)));
      return;
    }
    handle(request, (callback) => call.on("cancelled", callback)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(toStatus(error)),
    );
  };
}

async function listen(address: string, onConnection: (socket: Socket) => void): Promise<Listener> {
  try {
    return await Listener.open(address, onConnection);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new CloacaError("ADDRESS_IN_USE", `address ${address} is in use by another process; name another one`);
    }
    throw new CloacaError("REQUEST_INVALID", `cannot listen on ${address}: ${message}`);
  }
}
