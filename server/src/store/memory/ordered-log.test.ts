import fc from "fast-check";
import { expect, it } from "vitest";
import { OrderedLog } from "./ordered-log.js";

it("says what a sorted list says, whatever is added and removed", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 5_000 })), { maxLength: 200 });
  const from = fc.integer({ min: -1, max: 6_000 });
  fc.assert(
    fc.property(steps, from, (changes, number) => {
      const log = new OrderedLog<number>();
      const known = new Set<number>();
      for (const [adds, value] of changes) {
        if (adds) {
          log.set(value, value);
          known.add(value);
        } else {
          log.delete(value);
          known.delete(value);
        }
      }
      const sorted = [...known].sort((a, b) => a - b);
      expect([...log.after(number)]).toEqual(sorted.filter((value) => value > number));
      expect([...log.before(number)]).toEqual(sorted.filter((value) => value < number).reverse());
    }),
  );
});

it("goes on after everything was removed", () => {
  const log = new OrderedLog<string>();
  for (let number = 1; number <= 3_000; number++) log.set(number, `${number}`);
  for (let number = 1; number <= 3_000; number++) log.delete(number);
  expect([...log.after(0), ...log.before(Number.MAX_SAFE_INTEGER)]).toEqual([]);
  log.set(3_001, "next");
  expect([...log.after(0)]).toEqual(["next"]);
  expect([...log.before(Number.MAX_SAFE_INTEGER)]).toEqual(["next"]);
});
