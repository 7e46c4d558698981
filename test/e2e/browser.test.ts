/** `@cloaca/sdk/client` in a real browser: a page starts a run, follows it, reads it, and is told what it does wrong. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Host, workflow } from "cloaca";
import { build } from "esbuild";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromium } from "../../scripts/chromium.mjs";
import type { Visit } from "../browser/page.js";
import { SchedulerProcess } from "../support/scheduler-process.js";

// `npm test` says when it is missing, and fails for it in CI.
const found = chromium();

describe.skipIf("missing" in found)("a page", () => {
  let scheduler: SchedulerProcess;
  let site: Server;
  let browser: Browser;
  let tab: Page;
  let host: Host;
  let served: Promise<void>;
  const problems: string[] = [];

  beforeAll(async () => {
    if ("missing" in found) throw new Error(found.missing);
    const script = await bundledPage();
    site = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : '<!doctype html><script src="/page.js"></script>');
    });
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    scheduler = await SchedulerProcess.start(
      "memory:",
      "--check-books",
      "--allow-origin",
      `http://127.0.0.1:${port()}`,
    );
    const greet = workflow("greet", ({ task }) => {
      task({ id: "greet" }, (context) => ({ greeting: `hello, ${context.get<string>("name")}` }));
    });
    host = new Host({ url: scheduler.address, hostId: "greeter" }).register(greet);
    served = host.run({ handleSignals: false });
    await host.ready();
    browser = await playwright.launch({ executablePath: found.path, env: found.env, args: ["--disable-gpu"] });
    tab = await browser.newPage();
    tab.on("pageerror", (error) => problems.push(error.message));
  });

  afterAll(async () => {
    await browser?.close();
    await host?.drain(0);
    await served;
    site?.close();
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    expect(problems).toEqual([]);
  });

  const port = (): number => (site.address() as AddressInfo).port;
  const url = (): string => JSON.stringify(`http://${scheduler.address}`);

  it("starts a run, watches it to its end, reads it, and reads an error with its code", async () => {
    await tab.goto(`http://127.0.0.1:${port()}/`);
    const visit = await tab.evaluate<Visit>(`visit(${url()}, "greet")`);
    expect(visit).toEqual({
      types: ["RUN_STARTED", "TASK_READY", "TASK_LEASED", "TASK_SUCCEEDED", "RUN_SUCCEEDED"],
      context: { name: "browser", greeting: "hello, browser" },
      tasks: ["greet SUCCEEDED"],
      ids: 2,
      refused: {
        isRemote: true,
        code: "TASK_NOT_FOUND",
        message: expect.stringContaining('has no task "gret"; did you mean "greet"?'),
        field: "tasks[0]",
      },
    });
  });

  it("of an origin that is not allowed reaches nothing, and is told what may be wrong", async () => {
    await tab.goto(`http://localhost:${port()}/`);
    expect(await tab.evaluate(`knock(${url()})`)).toEqual({
      isConnection: true,
      code: "CONNECTION_FAILED",
      message: expect.stringContaining("--allow-origin"),
    });
  });
});

/** The page's script, as a bundler makes it for browsers of what is published. */
async function bundledPage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../browser/page.ts", import.meta.url))],
    bundle: true,
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
