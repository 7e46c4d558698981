/** From words of the SDK to protobuf. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type HostEvent, HostEventSchema, LeaseState, type PatchSchema } from "@cloaca/protocol";
import { definitionBytes, nameBytes, toWireDefinition } from "./encode-definition.js";
import { SDK_NAME, SDK_VERSION } from "./sdk-version.js";
import type { HeldLease, Hello, HostSays, Implementation, NumberedEvent, Offer, Patch, WireWorkflow } from "./words.js";

/** Protocol versions that this SDK speaks. */
const PROTOCOL = { protocolMin: 1, protocolMax: 1 };

/** What goes into one message, about, when it can be parted. */
const BYTES_PER_MESSAGE = 1024 * 1024;
/** An id, a number and a state take no more together. */
const SMALL_BYTES = 64;

/** How many bytes, about, of what can be parted go into one message (P10: a host splits its batches). */
export function bytesPerMessage(maxMessageBytes: number): number {
  return Math.min(BYTES_PER_MESSAGE, Math.floor(maxMessageBytes / 2));
}

/** An event as `create` takes it. */
export type HostEventInit = MessageInitShape<typeof HostEventSchema>;

/** The `Hello`, and the chunks that go on with it when it is long (P1). Each is for a message of its own. */
export function encodeHello(hello: Hello, maxMessageBytes = Number.POSITIVE_INFINITY): HostEvent[] {
  const parts = chunks(hello, bytesPerMessage(maxMessageBytes));
  return parts.map((part, index) => {
    const more = index < parts.length - 1;
    const { definitions, implementations } = offerToWire(part);
    const heldLeases = part.held.map(({ leaseId, state, deferral }) => ({
      leaseId,
      state: LeaseState[state],
      deferral,
    }));
    if (index > 0) {
      return create(HostEventSchema, {
        event: { case: "helloChunk", value: { definitions, implementations, heldLeases, more } },
      });
    }
    const { namespace, hostId, instanceId, resumeToken, buildId, slots, maxLeases, labels } = hello;
    const sdk = { name: SDK_NAME, version: SDK_VERSION, language: "typescript" };
    const own = { namespace, hostId, instanceId, resumeToken, buildId, slots, maxLeases, labels, sdk };
    return create(HostEventSchema, {
      event: { case: "hello", value: { ...PROTOCOL, ...own, definitions, implementations, heldLeases, more } },
    });
  });
}

export function encodeHeartbeat(nonce: number, mainLoopLagMs: number): HostEvent {
  return create(HostEventSchema, { event: { case: "heartbeat", value: { nonce: BigInt(nonce), mainLoopLagMs } } });
}

export function encodeEvent({ seq, event }: NumberedEvent): HostEventInit {
  return { seq: BigInt(seq), event: toOneof(event) };
}

/** Size of an event in a message, about. */
export function eventBytes({ event }: NumberedEvent): number {
  if (event.type === "register") return offerBytes(event.offer);
  let units = 0;
  if ("patch" in event) {
    for (const [key, text] of Object.entries(event.patch.set)) units += key.length + text.length + SMALL_BYTES;
    for (const key of event.patch.removed) units += key.length;
  }
  if (event.type === "fail") for (const text of Object.values(event.failure)) units += text.length;
  if ("reason" in event) units += event.reason.length;
  if ("description" in event) units += event.description.length;
  // Most text is ASCII; what is not takes up to three bytes a unit.
  return SMALL_BYTES + units * 2;
}

/** Size of an offer in a message, about, and never too small. */
export function offerBytes({ definitions, implementations }: Offer): number {
  let bytes = SMALL_BYTES;
  for (const definition of definitions) bytes += definitionBytes(definition);
  for (const implementation of implementations) bytes += implementationBytes(implementation);
  return bytes;
}

function implementationBytes({ workflow, tasks }: Implementation): number {
  return tasks.reduce((sum, task) => sum + nameBytes(task), SMALL_BYTES + nameBytes(workflow));
}

type EventInit = NonNullable<HostEventInit["event"]>;

function toOneof(event: HostSays): EventInit {
  switch (event.type) {
    case "complete":
      return { case: "complete", value: { leaseId: event.leaseId, patch: patchToWire(event.patch) } };
    case "fail": {
      const { type: _type, ...value } = event;
      return { case: "fail", value };
    }
    case "defer": {
      const { leaseId, n, pollIntervalMs, maxWaitMs, description, patch } = event;
      const value = { leaseId, deferral: n, pollIntervalMs, maxWaitMs, description, checkpoint: patchToWire(patch) };
      return { case: "deferUntil", value };
    }
    case "reclaim":
      return { case: "reclaim", value: { leaseId: event.leaseId, deferral: event.n } };
    case "checkpoint":
      return { case: "checkpoint", value: { leaseId: event.leaseId, patch: patchToWire(event.patch) } };
    case "stopped":
      return { case: "stopped", value: { leaseId: event.leaseId } };
    case "decline": {
      const { leaseId, patch, reason } = event;
      return { case: "decline", value: { leaseId, checkpoint: patchToWire(patch), reason } };
    }
    case "register":
      return { case: "register", value: offerToWire(event.offer) };
    case "drain":
      return { case: "drain", value: { reason: event.reason } };
  }
}

function patchToWire({ set, removed }: Patch): MessageInitShape<typeof PatchSchema> {
  return { set, removed: [...removed] };
}

function offerToWire({ definitions, implementations }: Offer) {
  return {
    definitions: definitions.map(toWireDefinition),
    implementations: implementations.map(({ workflow, tasks, anyVersion }: Implementation) => ({
      workflow,
      tasks: [...tasks],
      anyVersion,
    })),
  };
}

/** What one message of a `Hello` brings. */
interface Part {
  readonly definitions: WireWorkflow[];
  readonly implementations: Implementation[];
  readonly held: HeldLease[];
}

/** Implementations come after all definitions, since those without a version refer to them. */
function chunks(hello: Hello, most: number): Part[] {
  const parts: Part[] = [newPart()];
  let bytes = headBytes(hello);
  const partFor = (own: number): Part => {
    let part = parts.at(-1);
    if (part === undefined || bytes + own > most) {
      part = newPart();
      parts.push(part);
      bytes = 0;
    }
    bytes += own;
    return part;
  };
  for (const lease of hello.held) partFor(lease.leaseId.length + SMALL_BYTES).held.push(lease);
  for (const definition of hello.definitions) partFor(definitionBytes(definition)).definitions.push(definition);
  for (const implementation of hello.implementations) {
    partFor(implementationBytes(implementation)).implementations.push(implementation);
  }
  return parts;
}

function newPart(): Part {
  return { definitions: [], implementations: [], held: [] };
}

function headBytes({ namespace, hostId, instanceId, resumeToken, buildId, labels }: Hello): number {
  const texts = [namespace, hostId, instanceId, resumeToken, buildId, ...Object.entries(labels).flat()];
  return texts.reduce((sum, text) => sum + text.length * 3 + SMALL_BYTES, 0);
}
