/** What the pages say about codes and log events is what the code has. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "./core/errors.js";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const page = (name: string): string => readFileSync(join(SOURCES, "../../docs", name), "utf8");

function rows(text: string): string[][] {
  return [...text.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)].map(([, first = "", rest = ""]) => [
    first,
    ...rest.split("|").map((cell) => cell.trim()),
  ]);
}

describe("docs", () => {
  it("PROTOCOL.md has every error code, with its status and meaning", () => {
    const expected = Object.entries(ERROR_CODES).map(([code, { status, doc }]) => [code, status, doc]);
    // Other tables of the page name tasks and fields, in lower case.
    const told = rows(page("PROTOCOL.md")).filter(([code = ""]) => /^[A-Z_]+$/.test(code));
    expect(told.map((cells) => cells.slice(0, 3))).toEqual(expected);
    // The last column says what a host does about it.
    expect(told.filter(([, , , action = ""]) => action === "")).toEqual([]);
  });

  it("PROTOCOL.md has the rules P1 to P14", () => {
    const rules = [...page("PROTOCOL.md").matchAll(/^\*\*(P\d+) /gm)].map(([, rule]) => rule);
    expect(rules).toEqual(Array.from({ length: 14 }, (_, i) => `P${i + 1}`));
  });

  it("OPERATIONS.md has every log event, with its level", () => {
    const logged = new Set<string>();
    for (const file of readdirSync(SOURCES, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      const text = readFileSync(join(SOURCES, file), "utf8");
      for (const [, level, event] of text.matchAll(/\blog\.(info|warn|error)\(\s*"(\w+)"/g))
        logged.add(`${event} ${level}`);
    }
    const told = rows(page("OPERATIONS.md")).flatMap(([event, level]) =>
      /^(info|warn|error)$/.test(level ?? "") ? [`${event} ${level}`] : [],
    );
    expect(told.sort()).toEqual([...logged].sort());
    expect(logged.size).toBeGreaterThan(5);
  });
});
