/** What `npm pack` would publish of each package. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

function packed(folder: string): string[] {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: join(ROOT, folder),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [report] = JSON.parse(output) as Packed[];
  return (report?.files ?? []).map(({ path }) => path);
}

/** Every file that `exports` and `bin` name. */
function named(value: unknown): string[] {
  if (typeof value === "string") return [value.replace(/^\.\//, "")];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(named) : [];
}

describe.each(["proto", "server", "sdk-ts", "cli", "conformance"])("the package in %s", (folder) => {
  const files = packed(folder);
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Record<string, unknown>;

  it("has the licence", () => {
    expect(files).toContain("LICENSE");
    const [ours, root] = [folder, "."].map((at) => readFileSync(join(ROOT, at, "LICENSE"), "utf8"));
    expect(ours).toBe(root);
  });

  it("has every file that it exports", () => {
    const exported = [...named(manifest["exports"]), ...named(manifest["bin"])].filter((path) => !path.includes("*"));
    expect(exported).not.toEqual([]);
    expect(exported.filter((path) => !files.includes(path))).toEqual([]);
  });

  it("has no tests and nothing that only tests need", () => {
    expect(
      files.filter((path) => /\.test(-d)?\.|(src|dist)\/testing\/.*-(host|draft|journal|time)\.|contract/.test(path)),
    ).toEqual([]);
  });
});

it("the contract is in the package of the protocol", () => {
  expect(packed("proto")).toContain("cloaca/v1/host_service.proto");
});
