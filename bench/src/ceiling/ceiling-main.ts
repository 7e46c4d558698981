/**
 * What the transport alone can do: leases out and completions in over the same stream with the same messages, batched
 * the same way, and nothing decided or stored. Tells its parent the address, and how many leases were completed.
 */
import { create } from "@bufbuild/protobuf";
import {
  HostService,
  type SchedulerEvent,
  SchedulerEventSchema,
  type WorkRequest,
  type WorkResponse,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { methodDefinition } from "../wire/calls.js";
import type { FromCeiling } from "./messages.js";

const say = (message: FromCeiling): void => void process.send?.(message);
let completed = 0;
let given = 0;

function work(call: ServerDuplexStream<WorkRequest, WorkResponse>): void {
  let free = 0;
  let upTo = 0n;
  let waiting: SchedulerEvent[] = [];
  let isScheduled = false;
  const send = (): void => {
    isScheduled = false;
    if (upTo > 0n) waiting.push(create(SchedulerEventSchema, { event: { case: "receipts", value: { upTo } } }));
    for (; free > 0; free--) waiting.push(lease(++given));
    call.write(create(WorkResponseSchema, { events: waiting }));
    waiting = [];
  };
  call.on("data", ({ events }: WorkRequest) => {
    for (const { seq, event } of events) {
      if (event.case === "hello") {
        const value = { protocolVersion: 1, heartbeatIntervalMs: 5_000 };
        waiting.push(create(SchedulerEventSchema, { event: { case: "welcome", value } }));
        free = event.value.slots;
      } else if (event.case === "complete") {
        upTo = seq;
        free++;
        completed++;
      }
    }
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(send);
  });
  call.on("end", () => call.end());
  call.on("error", () => {});
}

function lease(n: number): SchedulerEvent {
  const runId = `r000000000${String(n).padStart(12, "0")}`;
  const value = {
    leaseId: `${runId}.0.1`,
    runId,
    workflow: "one",
    task: "only",
    attempt: 1,
    fence: 1n,
    namespace: "default",
    workflowVersion: "0123456789abcdef",
    taskRunId: `${runId}/only`,
  };
  return create(SchedulerEventSchema, { event: { case: "lease", value } });
}

const server = new Server();
server.addService({ work: methodDefinition(HostService.method.work) }, { work });
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  say({ type: "listening", address: `127.0.0.1:${port}` });
});
process.on("message", () => say({ type: "completed", completed }));
process.on("disconnect", () => process.exit(0));
