import { expect, it } from "vitest";
import { forPeople, labelsProblems, lengthProblems, MAX_LABELS_BYTES, MAX_PEOPLE_TEXT } from "./texts.js";

it("cuts texts for people at a whole character, and only when they are too long", () => {
  const longest = "x".repeat(MAX_PEOPLE_TEXT);
  expect(forPeople(longest)).toBe(longest);
  expect(forPeople(`${longest}y`)).toBe(`${"x".repeat(MAX_PEOPLE_TEXT - 1)}…`);
  expect(forPeople("a😀😀", 4)).toBe("a😀…");
  expect(forPeople("ab😀😀", 4)).toBe("ab…");
});

it("counts labels in bytes, keys and values", () => {
  const label = { ä: "x".repeat(MAX_LABELS_BYTES - 2) };
  expect(labelsProblems("labels", label)).toEqual([]);
  expect(labelsProblems("labels", { ...label, k: "" })).toEqual([
    {
      field: "labels",
      description: `has ${MAX_LABELS_BYTES + 1} bytes of keys and values; at most ${MAX_LABELS_BYTES} are allowed`,
    },
  ]);
});

it("says how long a text is and may be", () => {
  expect(lengthProblems("run.traceparent", "abc", 3)).toEqual([]);
  expect(lengthProblems("run.traceparent", "abcd", 3)).toEqual([
    { field: "run.traceparent", description: "has 4 characters; at most 3 are allowed" },
  ]);
});
