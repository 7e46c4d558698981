/** Messages of the protocol with every kind of content, for tests of what encodes and decodes them. */
import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import fc from "fast-check";
import * as protocol from "../gen/index.js";

const services = [protocol.HostService, protocol.WorkflowService, protocol.RunService, protocol.HostAdminService];
const byName = new Map(services.flatMap((s) => s.methods.flatMap((m) => [m.input, m.output])).map((d) => [d.name, d]));

/** What calls take and return. */
export const schemas: readonly DescMessage[] = [...byName.values()];

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }),
  fc.string({ minLength: 100, maxLength: 300 }),
  fc.constant(""),
);
// protobuf-es loses the key `__proto__`.
const key = text.filter((any) => any !== "__proto__");
const bigints = (min: bigint, max: bigint) => fc.oneof(fc.bigInt({ min, max }), fc.bigInt({ min: 0n, max: 300n }));
const scalars: Partial<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.STRING]: text,
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.UINT32]: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  [ScalarType.INT32]: fc.oneof(fc.nat(300), fc.integer()),
  [ScalarType.SINT32]: fc.integer(),
  [ScalarType.UINT64]: bigints(0n, 2n ** 64n - 1n),
  [ScalarType.INT64]: bigints(-(2n ** 63n), 2n ** 63n - 1n),
};

/** Any message of a type; each field may be left out. */
export function anyMessage(desc: DescMessage, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const entries: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of desc.fields) if (field.oneof === undefined) entries[field.localName] = anyValue(field, depth);
  for (const { localName, fields } of desc.oneofs) {
    const members = fields.map((f) => fc.record({ case: fc.constant(f.localName), value: anyValue(f, depth) }));
    entries[localName] = fc.oneof(...members, fc.constant({ case: undefined }));
  }
  return fc.record(entries, { requiredKeys: [] }).map(removeAbsent);
}

function anyValue(field: DescMessage["fields"][number], depth: number): fc.Arbitrary<unknown> {
  const one = (): fc.Arbitrary<unknown> => {
    if (field.message !== undefined) return depth > 4 ? fc.constant({}) : anyMessage(field.message, depth + 1);
    if (field.enum !== undefined) return fc.constantFrom(...field.enum.values.map((v) => v.number));
    return scalars[field.scalar ?? ScalarType.STRING] ?? fc.constant(undefined);
  };
  if (field.fieldKind === "list") return fc.array(one(), { maxLength: 3 });
  // One key: the order of several is the object's own, and nothing promises it.
  if (field.fieldKind === "map") return fc.dictionary(key, one(), { maxKeys: 1, noNullPrototype: true });
  return one();
}

function removeAbsent(init: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(init).filter(([, value]) => value !== undefined));
}
