import { describe, expect, it } from "vitest";
import { Screen, wantsColour } from "./screen.js";

function terminal(columns = 20, rows = 6) {
  const written: string[] = [];
  return { isTTY: true, columns, rows, written, write: (text: string) => written.push(text) };
}

describe("a screen", () => {
  it("draws over what it drew, hides the cursor meanwhile and gives it back", () => {
    const out = terminal();
    const screen = new Screen(out, {}, false);
    screen.draw([["one"], ["two"]]);
    screen.draw([["three"]]);
    screen.settle();
    screen.settle();
    expect(out.written).toEqual([
      "\x1b[?2026h\x1b[?25lone\x1b[K\ntwo\x1b[K\n\x1b[0J\x1b[?2026l",
      "\x1b[?2026h\x1b[2A\rthree\x1b[K\n\x1b[0J\x1b[?2026l",
      "\x1b[?25h",
    ]);
  });

  it("knows that lines take more rows where the window became narrower", () => {
    const out = terminal(20);
    const screen = new Screen(out, {}, false);
    screen.draw([["x".repeat(20)], ["y"]]);
    out.columns = 10;
    screen.draw([["z"]]);
    expect(out.written[1]).toContain("\x1b[3A\r");
  });

  it("draws no more than there are rows, and no line longer than there are columns", () => {
    const out = terminal(5, 3);
    new Screen(out, {}, false).draw([["1234567"], ["2"], ["3"], ["4"]]);
    expect(out.written.join("")).toContain("1234…\x1b[K\n2\x1b[K\n\x1b[0J");
  });

  it("prints below what was drawn, and never cuts there", () => {
    const out = terminal(5);
    const screen = new Screen(out, {}, false);
    screen.draw([["one"]]);
    screen.print([["longer than the window"]]);
    expect(out.written.slice(1)).toEqual(["\x1b[?25h", "longer than the window\n"]);
  });

  it("is no screen in a pipe or on a dumb terminal: nothing is drawn, and the width is what COLUMNS says", () => {
    const pipe = { written: [] as string[], write: (text: string) => pipe.written.push(text) };
    const screen = new Screen(pipe, {}, false);
    screen.draw([["x"]]);
    expect([screen.isLive, screen.width, pipe.written]).toEqual([false, Number.POSITIVE_INFINITY, []]);
    expect(new Screen(pipe, { COLUMNS: "60" }, false).width).toBe(60);
    expect(new Screen(pipe, { COLUMNS: "wide" }, false).width).toBe(Number.POSITIVE_INFINITY);
    expect(new Screen(terminal(), { TERM: "dumb" }, false).isLive).toBe(false);
  });
});

describe("colours", () => {
  const tty = { isTTY: true };
  it.each<[string, boolean, { isTTY?: boolean }, NodeJS.ProcessEnv, boolean]>([
    ["on a terminal", true, tty, {}, true],
    ["in a pipe", true, {}, {}, false],
    ["in a pipe that is forced", true, {}, { FORCE_COLOR: "1" }, true],
    ["on a terminal with FORCE_COLOR=0", true, tty, { FORCE_COLOR: "0" }, false],
    ["with NO_COLOR", true, tty, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    ["with an empty NO_COLOR", true, tty, { NO_COLOR: "" }, true],
    ["with --no-color", false, tty, { FORCE_COLOR: "1" }, false],
    ["on a dumb terminal", true, tty, { TERM: "dumb" }, false],
  ])("%s", (_name, flag, stream, env, expected) => {
    expect(wantsColour(flag, stream, env)).toBe(expected);
  });
});
