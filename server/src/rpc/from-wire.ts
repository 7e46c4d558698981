/** Host events and definitions: from protobuf to words of the domain. */
import { toBinary } from "@bufbuild/protobuf";
import {
  type HeldLease,
  HelloChunkSchema,
  HelloSchema,
  type HostEvent as WireHostEvent,
  type Implementation as WireImplementation,
  LeaseState as WireLeaseState,
  type Patch as WirePatch,
  type WorkflowDefinition as WireWorkflowDefinition,
} from "@cloaca/protocol";
import { CloacaError } from "../core/errors.js";
import type { LeaseEvent } from "../core/lease-events.js";
import type { Patch, Problem } from "../core/model.js";
import { DEFAULT_NAMESPACE, nameProblem } from "../core/names.js";
import type { LeaseState } from "../core/session.js";
import { forPeople } from "../core/texts.js";
import type { HostEvent, OfferedImplementation } from "../engine/events.js";
import type { ListedLease } from "../store/store.js";
import { definitionProblems, toDefinition } from "./definition-from-wire.js";

/**
 * The namespace of a request.
 *
 * @throws CloacaError REQUEST_INVALID when it is no name
 */
export function namespaceOf(namespace: string): string {
  const problem = namespace === "" ? null : nameProblem(namespace);
  if (problem === null) return orDefault(namespace);
  throw CloacaError.fromProblems("REQUEST_INVALID", "request", [{ field: "namespace", description: problem }]);
}

/** Left for its reader to check, with all that is wrong besides. */
export function orDefault(namespace: string): string {
  return namespace === "" ? DEFAULT_NAMESPACE : namespace;
}

/** Translates an event. Throws for what ends the connection; what only this event gets wrong is `refused`. */
export function toHostEvent({ seq, event }: WireHostEvent): HostEvent {
  const number = Number(seq);
  switch (event.case) {
    case "hello": {
      const hello = event.value;
      refuseWrong("hello", hello.definitions);
      return {
        seq: number,
        type: "hello",
        hello: {
          protocolMin: hello.protocolMin,
          protocolMax: hello.protocolMax,
          namespace: orDefault(hello.namespace),
          hostId: hello.hostId,
          instanceId: hello.instanceId,
          resumeToken: hello.resumeToken,
          sdk: sdkText(hello.sdk),
          buildId: hello.buildId,
          slots: hello.slots,
          maxLeases: hello.maxLeases,
          labels: hello.labels,
          capabilities: hello.capabilities,
          held: listed(hello.heldLeases, "hello"),
          requestedTtlMs: hello.requestedTtlMs,
          more: hello.more,
          definitions: hello.definitions.map(toDefinition),
          implementations: hello.implementations.map(toImplementation),
        },
        // Those that go on are rare, and long: to make them again costs little beside reading them.
        bytes: hello.more ? toBinary(HelloSchema, hello).length : 0,
      };
    }
    case "helloChunk": {
      const { definitions, implementations, heldLeases, more } = event.value;
      refuseWrong("hello_chunk", definitions);
      return {
        seq: number,
        type: "hello_chunk",
        chunk: {
          definitions: definitions.map(toDefinition),
          implementations: implementations.map(toImplementation),
          held: listed(heldLeases, "hello_chunk"),
          more,
        },
        bytes: toBinary(HelloChunkSchema, event.value).length,
      };
    }
    case "heartbeat":
      return { seq: number, type: "heartbeat", nonce: event.value.nonce, mainLoopLagMs: event.value.mainLoopLagMs };
    case "register": {
      const { definitions, implementations } = event.value;
      const problems = problemsIn("register", definitions);
      if (problems.length > 0)
        return refused(number, CloacaError.fromProblems("DEFINITION_INVALID", "register", problems));
      const offer = {
        definitions: definitions.map(toDefinition),
        implementations: implementations.map(toImplementation),
      };
      return { seq: number, type: "register", offer };
    }
    case "setSlots":
      return { seq: number, type: "set_slots", slots: event.value.slots };
    case "drain":
      return { seq: number, type: "drain", reason: forPeople(event.value.reason) };
    case undefined:
      return refused(number, new CloacaError("UNSUPPORTED", "this scheduler does not know the event"));
    default:
      return { seq: number, type: "lease_event", event: toLeaseEvent(event) };
  }
}

/** Longest code or type of a failure, in UTF-16 units. */
const MAX_NAME = 256;

type LeaseCase = "complete" | "fail" | "deferUntil" | "reclaim" | "checkpoint" | "stopped" | "decline";

function toLeaseEvent(event: Extract<WireHostEvent["event"], { case: LeaseCase }>): LeaseEvent {
  const { leaseId } = event.value;
  switch (event.case) {
    case "complete":
      return { type: "complete", leaseId, patch: toPatch(event.value.patch) };
    case "fail": {
      const { code = "", type = "", message = "", stack = "" } = event.value.failure ?? {};
      const { transient, final, nextDelayMs = null } = event.value;
      const named = { code: code === "" ? "TASK_FAILED" : forPeople(code, MAX_NAME), type: forPeople(type, MAX_NAME) };
      return { type: "fail", leaseId, failure: { ...named, message, stack }, kind: { transient, final, nextDelayMs } };
    }
    case "deferUntil": {
      const { deferral, pollIntervalMs, maxWaitMs, description, checkpoint } = event.value;
      return {
        type: "defer",
        leaseId,
        n: deferral,
        pollIntervalMs,
        maxWaitMs,
        description: forPeople(description),
        patch: toPatch(checkpoint),
      };
    }
    case "reclaim":
      return { type: "reclaim", leaseId, n: event.value.deferral };
    case "checkpoint":
      return { type: "checkpoint", leaseId, patch: toPatch(event.value.patch) ?? { set: {}, removed: [] } };
    case "stopped":
      return { type: "stopped", leaseId };
    case "decline":
      return {
        type: "decline",
        leaseId,
        patch: toPatch(event.value.checkpoint),
        reason: forPeople(event.value.reason),
      };
  }
}

function toPatch(patch: WirePatch | undefined): Patch | null {
  if (patch === undefined) return null;
  const { set, removed } = patch;
  return removed.length === 0 && Object.keys(set).length === 0 ? null : { set, removed };
}

function toImplementation({ workflow, tasks, version, anyVersion }: WireImplementation): OfferedImplementation {
  return { workflow, tasks, version, anyVersion };
}

const LEASE_STATES: Readonly<Partial<Record<WireLeaseState, LeaseState>>> = {
  [WireLeaseState.HELD]: "HELD",
  [WireLeaseState.DEFERRING]: "DEFERRING",
  [WireLeaseState.DEFERRED]: "DEFERRED",
  [WireLeaseState.RECLAIMING]: "RECLAIMING",
  [WireLeaseState.FINISHED]: "FINISHED",
  [WireLeaseState.ENDING]: "ENDING",
  [WireLeaseState.REVOKED]: "REVOKED",
};

function listed(leases: readonly HeldLease[], path: string): ListedLease[] {
  const problems: Problem[] = [];
  const known = leases.map(({ leaseId, state, deferral }, index) => {
    const named = LEASE_STATES[state];
    if (named === undefined) {
      const description = `is ${state}; allowed are HELD, DEFERRING, DEFERRED, RECLAIMING, FINISHED`;
      problems.push({ field: `${path}.held_leases[${index}].state`, description });
    }
    return { leaseId, state: named ?? "HELD", deferral };
  });
  if (problems.length > 0) throw CloacaError.fromProblems("REQUEST_INVALID", path, problems);
  return known;
}

/** P11: a definition that is not understood whole is refused, never read in part. */
function problemsIn(path: string, definitions: readonly WireWorkflowDefinition[]): Problem[] {
  return definitions.flatMap((definition, index) => definitionProblems(definition, `${path}.definitions[${index}]`));
}

function refuseWrong(path: string, definitions: readonly WireWorkflowDefinition[]): void {
  const problems = problemsIn(path, definitions);
  if (problems.length > 0) throw CloacaError.fromProblems("DEFINITION_INVALID", path, problems);
}

function refused(seq: number, { code, message, problems }: CloacaError): HostEvent {
  return { seq, type: "refused", error: { code, message, problems } };
}

function sdkText(sdk: { name: string; version: string; language: string } | undefined): string {
  if (sdk === undefined) return "";
  return `${sdk.name}/${sdk.version} (${sdk.language})`;
}
