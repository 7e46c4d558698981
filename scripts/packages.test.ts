/** The check of the packages finds what is wrong with the types of a tarball. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { npm } from "./lib/process.mjs";
import { packageProblems } from "./packages.mjs";

const CODE = { "index.js": "export const one = 1;\n" };
const TYPES = { "index.d.ts": "export declare const one: 1;\n" };
const typed = (types: string) => ({ ".": { types, default: "./index.js" } });

describe("packageProblems", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-packages-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function problemsOf(exports: object, files: Readonly<Record<string, string>>): Promise<string[]> {
    const manifest = { name: "@example/one", version: "1.0.0", license: "Apache-2.0", type: "module", exports };
    for (const [name, text] of Object.entries({ ...files, "package.json": JSON.stringify(manifest) })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const [program, ...args] = npm();
    execFileSync(program, [...args, "pack", "--ignore-scripts", "--silent"], { cwd: folder, stdio: "ignore" });
    return packageProblems({ tarball: join(folder, "example-one-1.0.0.tgz") });
  }

  it("finds nothing wrong with an ES module that has types", async () => {
    expect(await problemsOf(typed("./index.d.ts"), { ...CODE, ...TYPES })).toEqual([]);
  });

  it("finds a package that has code and no types", async () => {
    expect(await problemsOf({ ".": "./index.js" }, CODE)).toEqual([
      "@example/one: attw: it exports code, and has no types: no .d.ts file is in the tarball",
    ]);
  });

  it("finds types that lie elsewhere", async () => {
    const found = await problemsOf(typed("./types/index.d.ts"), { ...CODE, "dist/index.d.ts": TYPES["index.d.ts"] });
    expect(found).toContainEqual(
      expect.stringMatching(/^@example\/one: publint: .*types\/index\.d\.ts.* does not exist/),
    );
    expect(found).toContainEqual(
      expect.stringContaining('@example/one: attw: {"kind":"UntypedResolution","entrypoint":"."'),
    );
  });

  it("asks for no types where there is nothing but data", async () => {
    const doors = { "./descriptors/*.binpb": "./gen/*.binpb", "./package.json": "./package.json" };
    expect(await problemsOf(doors, { "gen/one.binpb": "" })).toEqual([]);
  });
});
