import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AWKWARD } from "../../testing/awkward.js";
import { MAX_NAMES, Packer } from "./packer.js";
import { Unpacker } from "./unpacker.js";

const FORMAT = 7;

type Call = readonly ["byte" | "number", number] | readonly ["text" | "name", string] | readonly ["json", unknown];

/** What a row may have to say of a number: where its form, or the number of its bytes, changes. */
const EDGES = [0, 1, 62, 63, 64, 127, 128, 255, 8_191, 2 ** 29, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 52, 2 ** 53].flatMap(
  (edge) => [edge - 1, edge, edge + 1, 1 - edge, -edge - 1, ...(edge === 0 ? [] : [-edge])],
);

// A row has no -0: JSON never had one either.
const numbers = fc
  .oneof(
    fc.constantFrom(...EDGES),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(1_764_000_000_000, 0.1, -0.5, 2 ** 31 + 0.5, 1e300, 5e-324),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  .map((value) => value + 0);
const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "\0", "a\0b", AWKWARD, "x".repeat(48), "x".repeat(49), "é".repeat(24), `${"x".repeat(47)}é`),
  // A row grows over what the packer has at first.
  fc.constantFrom("x".repeat(20_000), "🦆".repeat(9_000)),
);
const names = fc.oneof(
  fc.constantFrom("", "h", "s1", AWKWARD),
  fc.nat({ max: 2 * MAX_NAMES }).map((n) => `n${n}`),
  texts,
);

const call: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(fc.constant("byte" as const), fc.nat({ max: 255 })),
  fc.tuple(fc.constant("number" as const), numbers),
  fc.tuple(fc.constant("text" as const), texts),
  // Most rows of this test have more than are counted.
  { weight: 5, arbitrary: fc.tuple(fc.constant("name" as const), names) },
  fc.tuple(
    fc.constant("json" as const),
    fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  ),
);

function pack(packer: Packer, calls: readonly Call[]): Buffer {
  packer.begin(FORMAT);
  for (const call of calls) {
    if (call[0] === "byte" || call[0] === "number") packer[call[0]](call[1]);
    else if (call[0] === "text" || call[0] === "name") packer[call[0]](call[1]);
    else packer.json(call[1]);
  }
  return packer.end();
}

function unpack(bytes: Buffer, calls: readonly Call[]): unknown[] {
  const row = new Unpacker(bytes, FORMAT);
  return calls.map(([kind]) => row[kind]());
}

describe("a row", () => {
  it("says what was packed, whatever it is, row after row", () => {
    const packer = new Packer();
    fc.assert(
      fc.property(fc.array(call, { maxLength: 200, size: "max" }), (calls) => {
        expect(unpack(pack(packer, calls), calls)).toEqual(calls.map(([, value]) => value));
      }),
    );
  });

  it.each(EDGES)("says the number %d", (value) => {
    const calls: Call[] = [
      ["number", value],
      ["byte", 1],
    ];
    expect(unpack(pack(new Packer(), calls), calls)).toEqual([value + 0, 1]);
  });

  it.each([
    [0, 1],
    [62, 1],
    [63, 2],
    [-64, 2],
    [8_190, 2],
    [8_191, 3],
    [2 ** 29, 5],
    [1_764_000_000_000, 6],
    [2 ** 52 - 1, 8],
    [2 ** 52, 9],
    [0.5, 9],
  ])("says the number %d in as many bytes: %i", (value, bytes) => {
    expect(pack(new Packer(), [["number", value]])).toHaveLength(1 + bytes);
  });

  it.each(["", "x".repeat(48), "x".repeat(49), "\0", "é".repeat(24), "é".repeat(49), AWKWARD])(
    "says the text %j by the number of its bytes and them as UTF-8",
    (text) => {
      const row = pack(new Packer(), [["text", text]]);
      const utf8 = Buffer.from(text);
      expect(row.subarray(row.length - utf8.length)).toEqual(utf8);
      expect(row).toHaveLength(1 + (utf8.length > 62 ? 2 : 1) + utf8.length);
      expect(unpack(row, [["text", text]])).toEqual([text]);
    },
  );

  it("says a name once, as long as it is among the first of its row", () => {
    const packer = new Packer();
    const all = Array.from({ length: MAX_NAMES + 1 }, (_, i) => `a name of length 20${String(i).padStart(2, "0")}`);
    const once = all.map((name): Call => ["name", name]);
    const first = pack(packer, once).length;
    for (const [index, bytes] of [
      [0, 1],
      [61, 1],
      [62, 2],
      [MAX_NAMES - 1, 2],
      [MAX_NAMES, 23],
    ] as const) {
      const again: Call[] = [...once, ["name", all[index] ?? ""], ["name", all[0] ?? ""]];
      const row = pack(packer, again);
      expect(row.length - first, `name ${index}`).toBe(bytes + 1);
      expect(unpack(row, again)).toEqual(again.map(([, value]) => value));
    }
    // The next row knows none of them.
    expect(pack(packer, once)).toHaveLength(first);
  });

  it("grows beyond what there was room for, and keeps what it had", () => {
    const calls: Call[] = Array.from({ length: 40_000 }, (_, i) => ["number", i]);
    expect(unpack(pack(new Packer(), calls), calls)).toEqual(calls.map(([, value]) => value));
  });
});

describe("a damaged row", () => {
  it("that ends too early is an error, wherever it was cut", () => {
    const packer = new Packer();
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 6 }), fc.nat(), (calls, cut) => {
        const row = pack(packer, calls);
        expect(() => unpack(row.subarray(0, 1 + (cut % (row.length - 1))), calls)).toThrow();
      }),
    );
  });

  const read = (hex: string, how: "byte" | "number" | "text" | "name") =>
    new Unpacker(Buffer.from(hex, "hex"), FORMAT)[how]();

  it.each([
    ["of another format", "06", "byte", /^a row begins with 6 and not with 7$/],
    ["of no byte", "", "byte", /^a row begins with nothing and not with 7$/],
    ["without a byte", "07", "byte", /^a row of 1 bytes ends too early$/],
    ["within a double", "070001020304", "number", /^a row of 6 bytes ends too early$/],
    ["within a number", "0780", "number", /^a row of 2 bytes ends too early$/],
    ["within a text", "070861", "text", /^a row has no text of 3 bytes$/],
    ["with a text of less than nothing", "0703", "text", /^a row has no text of -1 bytes$/],
    ["with a name that nothing has said", "0704", "name", /^a row refers to name 1 of 0$/],
    ["with a name before the first", "0703", "name", /^a row refers to name -1 of 0$/],
  ] as const)("is an error: %s", (_what, hex, how, message) => {
    expect(() => read(hex, how)).toThrow(message);
  });

  it("refers to no name after the last that it has said", () => {
    const row = new Unpacker(Buffer.from("0702046104066104", "hex"), FORMAT);
    expect(row.name()).toBe("a");
    expect(row.name()).toBe("a");
    expect(() => row.name()).toThrow(/^a row refers to name 2 of 1$/);
  });

  it("refers to none that came after those that are counted", () => {
    const calls: Call[] = Array.from({ length: MAX_NAMES + 1 }, (_, i) => ["name", `n${i}`]);
    const row = pack(new Packer(), [...calls, ["number", MAX_NAMES + 1]]);
    expect(() => unpack(row, [...calls, ["name", ""]])).toThrow(/^a row refers to name 65 of 64$/);
  });
});
