import { afterEach, expect, it, vi } from "vitest";
import { paint, wantsColour } from "./paint.js";
import { Screen } from "./screen.js";

/** A stream that keeps what is written to it. */
function stream(shape: { isTTY?: boolean; columns?: number; rows?: number }) {
  const written: string[] = [];
  const out = { ...shape, write: (text: string) => written.push(text) };
  return { out, text: () => written.splice(0).join("") };
}

afterEach(() => vi.unstubAllEnvs());

it("draws over what it drew, also where a narrower window has broken the lines", () => {
  vi.stubEnv("TERM", "xterm");
  vi.stubEnv("NO_COLOR", "1");
  const { out, text } = stream({ isTTY: true, columns: 20, rows: 24 });
  const screen = new Screen(out);
  screen.draw([["0123456789".repeat(2)], ["b"]]);
  expect(text()).toContain("\x1b[?25l");
  out.columns = 10;
  screen.draw([["c"]]);
  const second = text();
  expect(second).toContain("\x1b[3A");
  expect(second).toContain("c\x1b[K\n");
  screen.print([["done"]]);
  expect(text()).toBe("\x1b[?25hdone\n");
});

it.each([
  ["a pipe", { columns: 80, rows: 24 }, "xterm"],
  ["a dumb terminal", { isTTY: true, columns: 80, rows: 24 }, "dumb"],
  ["a very low one", { isTTY: true, columns: 80, rows: 5 }, "xterm"],
])("draws nothing into %s", (_what, shape, term) => {
  vi.stubEnv("TERM", term);
  const { out, text } = stream(shape);
  const screen = new Screen(out);
  expect(screen.isLive).toBe(false);
  screen.draw([["a"]]);
  screen.settle();
  expect(text()).toBe("");
});

it("cuts a line to the width, and colours it only when asked to", () => {
  expect(paint(["ab", ["cdef", "red"]], 6, false)).toBe("abcdef");
  expect(paint(["ab", ["cdef", "red"]], 5, false)).toBe("abcd…");
  expect(paint(["ab", ["cdef", "red"]], 6, true)).toBe("ab\x1b[31mcdef\x1b[39m");
});

it.each<[NodeJS.ProcessEnv, boolean, boolean]>([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, true, false],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
])("with %j, and a terminal: %s, takes colours: %s", (env, isTTY, expected) => {
  expect(wantsColour({ isTTY }, env)).toBe(expected);
});
