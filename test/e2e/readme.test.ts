import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("shows the program that runs", () => {
  expect(read("README.md")).toContain(`\`\`\`ts\n${read("examples/ts/hello.ts")}\`\`\``);
});

it("shows the tests that run in docs/guides/testing.md", () => {
  expect(read("docs/guides/testing.md")).toContain(`\`\`\`ts\n${read("examples/ts/testing.test.ts")}\`\`\``);
});

it("links to files that are there", () => {
  for (const page of [
    "README.md",
    "docs/ARCHITECTURE.md",
    "docs/CLI.md",
    "docs/OPERATIONS.md",
    "docs/PROTOCOL.md",
    "docs/guides/testing.md",
    "examples/README.md",
  ]) {
    const folder = page.includes("/") ? `${page.slice(0, page.lastIndexOf("/"))}/` : "";
    for (const [, link = ""] of read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(() => read(`${folder}${link}`), `${page} links to ${link}`).not.toThrow(/ENOENT/);
    }
  }
});
