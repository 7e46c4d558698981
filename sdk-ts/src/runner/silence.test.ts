import { describe, expect, it } from "vitest";
import { Silence } from "./silence.js";

/** What the thread says at each look: the counter, and the time in milliseconds. */
function looks(...seen: readonly (readonly [beat: number, now: number])[]): (number | null)[] {
  const silence = new Silence(100, 0, 0);
  return seen.map(([beat, now]) => silence.observe(beat, now));
}

describe("Silence", () => {
  it("is nothing as long as the main thread moves its counter", () => {
    expect(looks([1, 50], [2, 100], [3, 1_000], [4, 5_000])).toEqual([null, null, null, null]);
  });

  it("is told from an interval on, again at each look, with its length", () => {
    expect(looks([0, 50], [0, 99], [0, 100], [0, 150.4], [0, 10_000])).toEqual([null, null, 100, 150, 10_000]);
  });

  it("is over with one beat, and begins anew then; a counter that wraps is one too", () => {
    expect(looks([0, 200], [-5, 250], [-5, 340], [-5, 350])).toEqual([200, null, null, 100]);
  });
});
