/**
 * docs/INSPECT.md and README.md are executed: each section that shows sessions in a shell, against a scheduler of its own, and what it
 * prints is what the page shows. `npx vitest run --project e2e test/e2e/inspect.test.ts -u` writes the pages anew.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { curl } from "../../scripts/curl.mjs";
import { grpcurl } from "../../scripts/grpcurl.mjs";
import { toolEnv } from "../../scripts/lib/process.mjs";
import { replay } from "../support/console-page.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

const ADDRESS = "localhost:7233";

/** Each command is a process or several; on a busy machine they take their time. */
const PATIENCE_MS = 300_000;

const found = grpcurl();
/** What a section needs, besides what npm has installed. `npm test` says what is missing, and fails for it in CI. */
const missing = (section: string): boolean =>
  "missing" in curl() || (section.includes("grpcurl -plaintext") && "missing" in found);

/** What each session shows. */
const STEPS = ["RegisterWorkflow", "StartRun", "hello", "leaseId", "deferUntil", "reclaim", "complete"];

const PAGES = [
  {
    page: "docs/INSPECT.md",
    headings: ["With grpcurl", "With `buf curl`", "With curl"],
    steps: [...STEPS, "ExplainRun", "WatchRuns"],
  },
  { page: "README.md", headings: ["By hand"], steps: [...STEPS, "buf curl", "curl -sS", "list"] },
];

describe.each(PAGES)("$page", ({ page, headings, steps }) => {
  const path = fileURLToPath(new URL(`../../${page}`, import.meta.url));
  const parts = readFileSync(path, "utf8").split(/^(?=## )/m);
  const sections = parts.filter((part) => part.includes("```console"));
  const headingOf = (section: string): string => /^## (.+)$/m.exec(section)?.[1] ?? "";
  const replayed = new Map<string, string>();

  it("shows sessions where they are looked for", () => {
    expect(sections.map(headingOf)).toEqual(headings);
  });

  describe.each(sections.map((section) => ({ heading: headingOf(section), section })))("$heading", ({ section }) => {
    let scheduler: SchedulerProcess;
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "cloaca-inspect-"));
      scheduler = await SchedulerProcess.start("memory:", "--check-books");
    }, PATIENCE_MS);

    afterAll(async () => {
      rmSync(folder, { recursive: true });
      expect((await scheduler.end("SIGTERM")).code).toBe(0);
      expect(scheduler.logs.filter(({ event }) => event === "turn_failed" || event === "books_wrong")).toEqual([]);
    });

    it.skipIf(missing(section))("shows what happens", { timeout: PATIENCE_MS }, async () => {
      const env = toolEnv();
      if ("path" in found) env["PATH"] = `${dirname(found.path)}${delimiter}${env["PATH"]}`;
      const text = await replay(section, { env, cwd: folder, replace: { [ADDRESS]: scheduler.address } });
      replayed.set(section, text);
      for (const step of [...steps, "RUN_STATUS_SUCCEEDED"]) expect(text).toContain(step);
    });
  });

  it("is what was executed", async () => {
    await expect(parts.map((part) => replayed.get(part) ?? part).join("")).toMatchFileSnapshot(path);
  });
});
