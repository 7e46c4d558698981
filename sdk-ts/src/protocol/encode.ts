/** From words of the SDK to protobuf. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type HostEvent, HostEventSchema, LeaseState, type PatchSchema } from "@cloaca/protocol";
import { definitionBytes, toWireDefinition } from "./encode-definition.js";
import { SDK_NAME, SDK_VERSION } from "./sdk-version.js";
import type { Hello, HostSays, Implementation, NumberedEvent, Offer, Patch, WireWorkflow } from "./words.js";

/** Protocol versions that this SDK speaks. */
const PROTOCOL = { protocolMin: 1, protocolMax: 1 };

/** Bytes of definitions that go into one message of a `Hello`, about; longer ones are chunked. */
const BYTES_PER_CHUNK = 1024 * 1024;
const HELD_PER_CHUNK = 10_000;

/** An event as `create` takes it. */
export type HostEventInit = MessageInitShape<typeof HostEventSchema>;

/** The `Hello`, and the chunks that go on with it when it is long (P1). */
export function encodeHello(hello: Hello): HostEvent[] {
  const parts = chunks(hello);
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

/** Size of an event in a message, about; it may be larger by what is neither a patch nor a definition. */
export function eventBytes({ event }: NumberedEvent): number {
  if (event.type === "register") return event.offer.definitions.reduce((sum, d) => sum + definitionBytes(d), 0);
  if (!("patch" in event)) return 0;
  let units = 0;
  for (const [key, text] of Object.entries(event.patch.set)) units += key.length + text.length;
  // Most text is ASCII; what is not takes up to three bytes a unit.
  return units * 2;
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

/** Implementations come after all definitions, since those without a version refer to them. */
function chunks(hello: Hello): (Offer & Pick<Hello, "held">)[] {
  const parts: { definitions: WireWorkflow[]; implementations: Implementation[]; held: Hello["held"] }[] = [];
  let part: (typeof parts)[number] = {
    definitions: [],
    implementations: [],
    held: hello.held.slice(0, HELD_PER_CHUNK),
  };
  parts.push(part);
  let bytes = 0;
  for (const definition of hello.definitions) {
    const own = definitionBytes(definition);
    if (bytes > 0 && bytes + own > BYTES_PER_CHUNK) {
      part = { definitions: [], implementations: [], held: [] };
      parts.push(part);
      bytes = 0;
    }
    part.definitions.push(definition);
    bytes += own;
  }
  for (let from = HELD_PER_CHUNK; from < hello.held.length; from += HELD_PER_CHUNK) {
    parts.push({ definitions: [], implementations: [], held: hello.held.slice(from, from + HELD_PER_CHUNK) });
  }
  parts.at(-1)?.implementations.push(...hello.implementations);
  return parts;
}
