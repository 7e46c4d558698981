import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

it("shows the program that runs", () => {
  expect(read("README.md")).toContain(`\`\`\`ts\n${read("examples/ts/hello.ts")}\`\`\``);
});

const PAGES = readdirSync(new URL("../../docs", import.meta.url), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".md"))
  .map((file) => `docs/${file.replaceAll("\\", "/")}`);
const GUIDES = PAGES.filter((page) => page.startsWith("docs/guides/"));

/** The program of each guide, which is an example that runs. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "first-workflow": "chain-and-patch",
  retries: "retries",
  deferral: "defer",
  "trigger-rules": "fallback",
  testing: "testing.test",
  "deploying-a-host": "deploy",
  "upgrading-a-workflow": "upgrade",
};

it.each(GUIDES)("shows a program that runs in %s", (page) => {
  const name = page.slice("docs/guides/".length, -".md".length);
  expect(read(page)).toContain(`\`\`\`ts\n${read(`examples/ts/${PROGRAMS[name]}.ts`)}\`\`\``);
});

it("names every guide where people look for them", () => {
  expect(GUIDES.length).toBe(Object.keys(PROGRAMS).length);
  for (const guide of GUIDES) {
    expect(read("README.md")).toContain(`](${guide})`);
    expect(read("docs/README.md")).toContain(`](${guide.slice("docs/".length)})`);
  }
  for (const page of PAGES.filter((p) => !GUIDES.includes(p) && p !== "docs/README.md")) {
    expect(read("docs/README.md")).toContain(`](${page.slice("docs/".length)})`);
  }
});

it("links to files that are there", () => {
  for (const page of ["README.md", "examples/README.md", ...PAGES]) {
    const folder = page.includes("/") ? `${page.slice(0, page.lastIndexOf("/"))}/` : "";
    for (const [, link = ""] of read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(() => read(`${folder}${link}`), `${page} links to ${link}`).not.toThrow(/ENOENT/);
    }
  }
});
