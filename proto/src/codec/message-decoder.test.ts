import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HostEventSchema, PatchSchema, WorkRequestSchema } from "../gen/index.js";
import { anyMessage, schemas } from "./any-message.js";
import { decoderOf } from "./message-decoder.js";
import { encoderOf } from "./message-encoder.js";

/** What a decoder makes of the bytes: a message, or what it says of them. */
function made(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    return String(error);
  }
}

function expectTheSame(desc: DescMessage, bytes: Uint8Array): void {
  const expected = made((input) => fromBinary(desc, input), bytes);
  expect(made(decoderOf(desc), bytes)).toEqual(expected);
}

describe("decoderOf", () => {
  it.each(schemas)("makes of $name what protobuf-es makes", (desc) => {
    fc.assert(
      fc.property(anyMessage(desc), (init) => expectTheSame(desc, toBinary(desc, create(desc, init)))),
      { numRuns: 60 },
    );
  });

  it.each(schemas)("of bytes that are nearly a $name, too", (desc) => {
    const changes = fc.array(fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), byte: fc.nat(255) }), {
      maxLength: 3,
    });
    const cut = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(anyMessage(desc), changes, cut, fc.boolean(), (init, changed, from, isTwice) => {
        const whole = toBinary(desc, create(desc, init));
        for (const { at, byte } of changed) whole[Math.floor(at * whole.length)] = byte;
        expectTheSame(desc, whole.subarray(0, Math.ceil(from * whole.length)));
        // Two messages after each other are one, merged.
        if (isTwice) expectTheSame(desc, Buffer.concat([whole, toBinary(desc, create(desc, init))]));
      }),
      { numRuns: 200 },
    );
  });

  it("decodes the usual by itself, and leaves the rest to protobuf-es", () => {
    const decode = decoderOf(WorkRequestSchema);
    const events = [{ event: { case: "hello" as const, value: { hostId: "h" } } }];
    const usual = toBinary(WorkRequestSchema, create(WorkRequestSchema, { events }));
    // What nobody said is one frozen value in messages of ours; those of protobuf-es have one each.
    const isOwn = (bytes: Uint8Array): boolean => {
      const event = decode(bytes).events[0]?.event;
      return event?.case === "hello" && Object.isFrozen(event.value.labels);
    };
    expect(isOwn(usual)).toBe(true);
    const unknownField = [0xf8, 0x07, 1];
    expect(isOwn(Buffer.concat([usual, Buffer.from(unknownField)]))).toBe(false);
  });

  const complete = (value: NonNullable<MessageInitShape<typeof HostEventSchema>["event"]>): Uint8Array =>
    toBinary(HostEventSchema, create(HostEventSchema, { event: value }));

  it("merges two parts of one member of a oneof", () => {
    const lease = complete({ case: "complete", value: { leaseId: "l" } });
    const patch = complete({ case: "complete", value: { patch: { set: { a: "1" } } } });
    expectTheSame(HostEventSchema, Buffer.concat([lease, patch]));
    expect(decoderOf(HostEventSchema)(Buffer.concat([lease, patch])).event.value).toMatchObject({ leaseId: "l" });
  });

  it("keeps a key named __proto__, which protobuf-es loses", () => {
    const set = JSON.parse('{"a":"1","__proto__":"2","b":"3"}') as Record<string, string>;
    const bytes = encoderOf(PatchSchema)({ set });
    const decoded = decoderOf(PatchSchema)(bytes).set;
    expect(Object.entries(decoded)).toEqual(Object.entries(set));
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    // When it does no more, keys of that name need not be refused.
    expect(Object.keys(fromBinary(PatchSchema, bytes).set)).toEqual(["a", "b"]);
  });

  it("knows text that begins with the mark of its byte order", () => {
    const marked = complete({ case: "complete", value: { leaseId: "\ufeffl" } });
    expectTheSame(HostEventSchema, marked);
  });

  it.each([
    ["text that is not UTF-8", [0x0a, 2, 0x0a, 0x05]],
    ["a message that goes on after its end", [0x0a, 0x0f]],
    ["an endless number", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    ["nothing", []],
  ])("says of %s what protobuf-es says", (_name, bytes) => {
    expectTheSame(WorkRequestSchema, Uint8Array.from(bytes));
  });
});
