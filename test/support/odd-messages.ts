/** Messages of our contract with odd values in every field, made from the descriptors: what is added later is fuzzed as well. */
import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";

/**
 * Names that exist, so that messages reach what is behind the door. Not those of a bystander: to pause its workflow or to drain
 * its host is what a good message may ask for.
 */
const KNOWN = ["w", "a", "default", "h1", "r0.0.1", "1"];

/** Each character that some layer may stumble over: controls, separators of paths, SQL, ids, directions, joiners, surrogate pairs. */
const ODD_CHARACTERS = [
  ..."\0\u0001\u001f\u007f\n\r\t \\/.:;,'\"`%$#&?*+=<>|(){}[]~^@!-_",
  ...["\u0085", "\u00a0", "\u00ad", "\u200b", "\u200d", "\u202e", "\u2028", "\u2066", "\ufeff", "\ufffd", "\uffff"],
  ...["é", "e\u0301", "İ", "ß", "日", "𝕏", "👩‍👩‍👧", "\u{10ffff}"],
];

const ODD_TEXTS = [
  ...["", "..", "../../etc/passwd", "'; DROP TABLE runs; --", "%s%n", "__proto__", "constructor", "toString"],
  ...["null", "NaN", "-0", "1e999", "9007199254740993", "0".repeat(5_000), "x".repeat(70_000)],
];

/** JSON texts, and what is nearly one. */
const ODD_JSON = [
  ...['{"a":1}', '{"__proto__":{"a":1}}', '{"a":1,"a":2}', "[1,2", '"\\ud800"', "1e400", "-", "tru", "\u00a01"],
  `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`,
];

export const oddText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...KNOWN) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 2, arbitrary: fc.constantFrom(...ODD_JSON) },
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...ODD_CHARACTERS), maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
);

/** How deep messages go that contain messages. */
const MAX_DEPTH = 3;

/** A random message of a type: every field may be there, with a value of its type that is odd now and then. */
export function oddMessage(desc: DescMessage, depth = 0): fc.Arbitrary<Message> {
  const fields = desc.fields.map((field) =>
    fc.option(
      valuesOf(field, depth).map((value) => ({ field, value })),
      { freq: 3 },
    ),
  );
  return fc.tuple(...fields).map((found) => {
    const init: Record<string, unknown> = {};
    for (const one of found) {
      if (one === null) continue;
      const { field, value } = one;
      if (field.oneof === undefined) init[field.localName] = value;
      else init[field.oneof.localName] = { case: field.localName, value };
    }
    return create(desc, init);
  });
}

function valuesOf(field: DescField, depth: number): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar);
    case "enum":
      return fc.constantFrom(...field.enum.values.map((value) => value.number), 77, -1);
    case "message":
      return messageAt(field.message, depth);
    case "map":
      return fc.dictionary(
        oddText.filter((key) => key !== "__proto__"),
        field.mapKind === "scalar" ? scalar(field.scalar) : fc.constant(undefined),
        { maxKeys: 3 },
      );
    case "list": {
      if (field.listKind === "message") return fc.array(messageAt(field.message, depth), { maxLength: 3 });
      if (field.listKind === "enum") return fc.array(fc.constantFrom(0, 1, 2, 77), { maxLength: 3 });
      return fc.array(scalar(field.scalar), { maxLength: 3 });
    }
  }
}

function messageAt(desc: DescMessage, depth: number): fc.Arbitrary<Message> {
  return depth >= MAX_DEPTH ? fc.constant(create(desc)) : oddMessage(desc, depth + 1);
}

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      return oddText;
    case ScalarType.INT64:
    case ScalarType.SINT64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case ScalarType.UINT64:
      return fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    case ScalarType.INT32:
    case ScalarType.SINT32:
      return fc.integer();
    case ScalarType.UINT32:
      // Waits of a minute would only make the test long.
      return fc.oneof(fc.nat({ max: 3 }), fc.constantFrom(60_001, 0x7fff_ffff, 0xffff_ffff));
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 50 });
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return fc.double();
    default:
      throw new Error(`no values for the scalar type ${type}`);
  }
}
