import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.js";
import { inputToWire } from "./input.js";

function schema(validate: StandardSchemaV1<object, object>["~standard"]["validate"]): StandardSchemaV1<object, object> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

async function problemsOf(promise: Promise<unknown>): Promise<string[]> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (!(error instanceof InputError)) throw error;
  expect(error.code).toBe("INPUT_INVALID");
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe("inputToWire", () => {
  it("writes the values down", async () => {
    const input = JSON.parse('{"day":"monday","n":[1.0]}');
    expect(await inputToWire({ name: "etl" }, input)).toEqual({ day: '"monday"', n: "[1]" });
    expect(await inputToWire({ name: "etl" })).toEqual({});
  });

  it("takes what the schema makes of it, now or later", async () => {
    const later = schema(async (value) => ({ value: { ...Object(value), day: "monday" } }));
    expect(await inputToWire({ name: "etl", input: later }, { n: 1 })).toEqual({ n: "1", day: '"monday"' });
  });

  it("lists all problems that the schema found", async () => {
    const strict = schema(() => ({
      issues: [
        { message: "Required", path: ["day"] },
        { message: "Too small", path: [{ key: "list" }, 2, "unit price"] },
        { message: "Wrong as a whole" },
      ],
    }));
    expect(await problemsOf(inputToWire({ name: "etl", input: strict }, {}))).toEqual([
      "$.day: Required",
      '$.list[2]["unit price"]: Too small',
      "$: Wrong as a whole",
    ]);
    await expect(inputToWire({ name: "etl", input: strict }, {})).rejects.toThrow(
      'input of workflow "etl": 3 problems',
    );
  });

  it("lists all values that are none of JSON", async () => {
    const input = { day: new Date(), ok: 1, list: [undefined], "": 1, ["__proto__"]: 1 };
    expect(await problemsOf(inputToWire({ name: "etl" }, input))).toEqual([
      "$.day: is a Date, which JSON does not have; use value.toISOString()",
      "$.list[0]: is undefined, which JSON does not have; leave the key out, or use null",
      '$[""]: the key is empty; a context key is a string of 1 to 256 UTF-16 units',
      '$.__proto__: the key "__proto__" is reserved: objects in JavaScript lose it; use another name',
    ]);
  });

  it.each([
    [[1], "an array"],
    ["x", 'the string "x"'],
    [null, "null"],
    [new Map(), "a Map"],
  ])("takes no %j for an input", async (input, found) => {
    expect(await problemsOf(inputToWire({ name: "etl" }, input))).toEqual([
      `$: is ${found}; an input is a plain object`,
    ]);
  });
});
