/** What a `Hello` must be like (P1, P11), and the session that it asks for. */
import { CloacaError } from "../core/errors.js";
import type { Problem } from "../core/model.js";
import { nameProblem } from "../core/names.js";
import type { Implementation, SessionSpec } from "../core/session.js";
import { labelsProblems, lengthProblems } from "../core/texts.js";
import type { Hello } from "./events.js";
import type { EngineLimits } from "./limits.js";

/** The protocol version that this scheduler speaks. */
export const PROTOCOL_VERSION = 1;

export const MAX_SLOTS = 100_000;

/** Longest text about a host, and most capabilities. */
const MAX_TEXT = 256;

/** Everything that is wrong with the plain fields of a `Hello`. */
export function helloProblems(hello: Hello): Problem[] {
  const problems: Problem[] = [];
  const name = (field: string, value: string) => {
    const problem = nameProblem(value);
    if (problem !== null) problems.push({ field: `hello.${field}`, description: problem });
  };
  name("namespace", hello.namespace);
  name("host_id", hello.hostId);
  if (hello.instanceId.length < 8 || hello.instanceId.length > 128) {
    const description = `has ${hello.instanceId.length} characters; it is a random id of the process, 8 to 128 characters long`;
    problems.push({ field: "hello.instance_id", description });
  }
  problems.push(
    ...slotsProblems("hello.slots", hello.slots),
    ...labelsProblems("hello.labels", hello.labels),
    ...lengthProblems("hello.sdk", hello.sdk, MAX_TEXT),
    ...lengthProblems("hello.build_id", hello.buildId, MAX_TEXT),
    ...hello.capabilities.flatMap((name, index) => lengthProblems(`hello.capabilities[${index}]`, name, MAX_TEXT)),
  );
  if (hello.capabilities.length > MAX_TEXT) {
    const description = `has ${hello.capabilities.length} items; at most ${MAX_TEXT} are allowed`;
    problems.push({ field: "hello.capabilities", description });
  }
  hello.held.forEach(({ leaseId, state }, index) => {
    const field = `hello.held_leases[${index}]`;
    if (leaseId === "") problems.push({ field: `${field}.lease_id`, description: "is empty" });
    if (state === "ENDING" || state === "REVOKED") {
      problems.push({ field: `${field}.state`, description: `is ${state}, which only the scheduler says` });
    }
  });
  return problems;
}

export function slotsProblems(field: string, slots: number): Problem[] {
  if (slots <= MAX_SLOTS) return [];
  return [{ field, description: `is ${slots}; allowed are 0 to ${MAX_SLOTS}` }];
}

/** P13: protocol versions are negotiated. */
export function protocolProblem({ protocolMin, protocolMax }: Hello): CloacaError | null {
  if (protocolMin <= PROTOCOL_VERSION && protocolMax >= PROTOCOL_VERSION && protocolMin > 0) return null;
  return new CloacaError(
    "PROTOCOL_VERSION_UNSUPPORTED",
    `hello.protocol_min and protocol_max say ${protocolMin} to ${protocolMax}; this scheduler speaks version ${PROTOCOL_VERSION}`,
  );
}

export function sessionSpec(
  hello: Hello,
  implementations: readonly Implementation[],
  limits: EngineLimits,
): SessionSpec {
  const wanted = hello.requestedTtlMs === 0 ? limits.sessionTtlMs : hello.requestedTtlMs;
  return {
    namespace: hello.namespace,
    hostId: hello.hostId,
    instanceId: hello.instanceId,
    slots: hello.slots,
    maxLeases: hello.maxLeases,
    ttlMs: Math.min(limits.maxSessionTtlMs, Math.max(limits.minSessionTtlMs, wanted)),
    labels: hello.labels,
    sdk: hello.sdk,
    buildId: hello.buildId,
    capabilities: hello.capabilities,
    implementations,
  };
}
