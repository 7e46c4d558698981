/** The packages in projects of somebody else: ES modules, CommonJS, TypeScript, and a minified bundle. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeBin, repoRoot } from "../../scripts/lib/process.mjs";
import { ChildProgram } from "../support/child-program.js";
import { type Consumer, PackedPackages } from "../support/consumer.js";
import { useScheduler } from "../support/use-scheduler.js";

/** npm fetches what its cache does not have. */
const PATIENCE_MS = 300_000;

const PROGRAM = `
const etl = workflow("etl", ({ task }) => { task({ id: "a" }, () => ({ n: 1 })); });
const there = [Client, runTask, startServer, startEmbedded, auditFile].every((value) => typeof value === "function");
async function main() {
  const runner = new DefaultRunner("memory:");
  const { context } = await runner.execute(etl);
  await runner.close();
  console.log(JSON.stringify({ ...context.toJSON(), there, service: RunService.typeName }));
}
main();
`;

const FROM = {
  cloaca: "DefaultRunner, workflow",
  "cloaca/testing": "runTask",
  "@cloaca/sdk/client": "Client",
  "@cloaca/server": "startServer",
  "@cloaca/server/embedded": "startEmbedded",
  "@cloaca/server/audit": "auditFile",
  "@cloaca/protocol": "RunService",
};

type Doors = Readonly<Record<string, string>>;

const named = (doors: Doors, line: (names: string, from: string) => string): string =>
  Object.entries(doors)
    .map(([from, names]) => line(names, JSON.stringify(from)))
    .join("\n");

const importsOf = (doors: Doors) => named(doors, (names, from) => `import { ${names} } from ${from};`);
const requiresOf = (doors: Doors) => named(doors, (names, from) => `const { ${names} } = require(${from});`);
const imports = importsOf(FROM);
const requires = requiresOf(FROM);

/** Of each package: what is taken from it, what is done with that, and what the latter prints. */
const ALONE: Readonly<Record<string, { doors: Doors; program: string; prints: RegExp }>> = {
  "@cloaca/protocol": {
    doors: { "@cloaca/protocol": "RunService" },
    program: "console.log(RunService.typeName);",
    prints: /^cloaca\.v1\.RunService\n$/,
  },
  "@cloaca/server": {
    doors: {
      "@cloaca/server": "startServer",
      "@cloaca/server/embedded": "startEmbedded",
      "@cloaca/server/audit": "auditFile",
    },
    program: `startEmbedded({ store: "memory:", address: "127.0.0.1:0" }).then(async ({ address, stop }) => {
      await stop();
      console.log(address, typeof startServer, typeof auditFile);
    });`,
    prints: /^127\.0\.0\.1:\d+ function function\n$/,
  },
  "@cloaca/sdk": {
    doors: {
      "@cloaca/sdk": "Host, workflow",
      "@cloaca/sdk/client": "Client",
      "@cloaca/sdk/testing": "runTask",
    },
    program: `const one = workflow("one", ({ task }) => { task({ id: "a" }, () => ({ n: 1 })); });
    runTask(one, "a").then(({ context }) => {
      new Client({ url: "127.0.0.1:1" }).close();
      console.log(JSON.stringify(context), typeof Host);
    });`,
    prints: /^\{"n":1\} function\n$/,
  },
  cloaca: {
    doors: { cloaca: "DefaultRunner, workflow", "cloaca/testing": "runTask" },
    program: `const one = workflow("one", ({ task }) => { task({ id: "a" }, () => ({ n: 1 })); });
    const runner = new DefaultRunner("memory:");
    runner.execute(one).then(async ({ context }) => {
      await runner.close();
      console.log(context.get("n"), typeof runTask);
    });`,
    prints: /^1 function\n$/,
  },
  // It is a command, and has no other door.
  "@cloaca/conformance": {
    doors: { "node:module": "createRequire", "node:path": "join", "node:child_process": "execFileSync" },
    program: `const manifest = createRequire(process.argv[1])("@cloaca/conformance/package.json");
    const bin = join(process.cwd(), "../node_modules/@cloaca/conformance", manifest.bin["cloaca-conformance"]);
    console.log(String(execFileSync(process.execPath, [bin, "--list"])));`,
    prints: /^basic +hello-first /,
  },
};

const TYPED = `${imports}
import { type Context, Host, PermanentError, type TaskHandle, task, WorkflowBuilder } from "cloaca";

const etl = workflow("etl", ({ task }) => {
  const fetched = task({ id: "fetch" }, (context) => context.set("raw", [1, 2]));
  task({ id: "count", dependencies: [fetched] }, async (context, handle) => {
    await handle.deferUntil(() => true, 10);
    const n: number = context.get("raw").length;
    // @ts-expect-error: there is no such key
    context.get("row");
    return { n };
  });
});
export class Tasks {
  @task({ id: "load" })
  async load(context: Context, _handle: TaskHandle) {
    if (!context.has("n")) throw new PermanentError("nothing to load");
    return context;
  }
}
export const built = [etl, new WorkflowBuilder("w").addTasks(new Tasks()).build()];
export const values = [DefaultRunner, Host, runTask, Client, startServer, startEmbedded, auditFile, RunService];
`;

const HOST = `
import { type Context, Host, PermanentError, type TaskHandle, task, WorkflowBuilder } from "@cloaca/sdk";

class Etl {
  readonly rows = 3;

  @task({ onSuccess: (id) => console.log("succeeded", id) })
  count(_context: Context) {
    return { rows: this.rows };
  }

  @task({
    dependencies: (self: Etl) => [self.count],
    handle: true,
    retryAttempts: 3,
    onFailure: (id, error) => console.log("failed", id, error.type, error.thrown instanceof PermanentError),
  })
  async load(context: Context, handle: TaskHandle) {
    await handle.deferUntil(() => true, 5);
    throw new PermanentError("nobody takes " + context.require<number>("rows") + " rows");
  }
}

const host = new Host({ url: process.argv[2] ?? "" }).register(new WorkflowBuilder("bundled").addTasks(new Etl()).build());
await host.run();
`;

describe("packages that are installed from their tarballs", () => {
  let packages: PackedPackages;
  let consumer: Consumer;
  beforeAll(async () => {
    packages = new PackedPackages();
    consumer = await packages.install(...packages.names);
  }, PATIENCE_MS);
  afterAll(() => packages.remove());

  it("are all tried alone", () => expect(packages.names.toSorted()).toEqual(Object.keys(ALONE).toSorted()));

  it.each(Object.entries(ALONE))(
    "serve alone, with what they depend on: %s",
    {
      timeout: PATIENCE_MS,
    },
    async (name, { doors, program, prints }) => {
      const alone = await packages.install(name);
      expect(await alone.output(alone.write("esm/main.js", `${importsOf(doors)}\n${program}`))).toMatch(prints);
      expect(await alone.output(alone.write("cjs/main.js", `${requiresOf(doors)}\n${program}`))).toMatch(prints);
    },
  );

  it.each([
    ["an ES module", "esm/main.js", imports],
    ["CommonJS", "cjs/main.js", requires],
  ])("serve %s: all their doors open, and a run succeeds", { timeout: PATIENCE_MS }, async (_name, file, door) => {
    const printed = await consumer.output(consumer.write(file, door + PROGRAM));
    expect(JSON.parse(printed)).toEqual({ n: 1, there: true, service: "cloaca.v1.RunService" });
  });

  it("bring their commands", { timeout: PATIENCE_MS }, async () => {
    const { version } = JSON.parse(readFileSync(join(repoRoot, "cli/package.json"), "utf8")) as { version: string };
    const bin = (name: string) => join(consumer.folder, "node_modules/.bin", name);
    expect(await consumer.output(bin("cloaca"), "--version")).toBe(`${version}\n`);
    expect(await consumer.output(bin("cloaca-conformance"), "--list")).toMatch(/^basic +hello-first /);
  });

  it.each([
    ["an ES module", "typed.mts", ["--module", "node16", "--moduleResolution", "node16"]],
    ["a bundler", "typed.ts", ["--module", "esnext", "--moduleResolution", "bundler"]],
  ])("have types for %s, with no library check left out", { timeout: PATIENCE_MS }, async (_name, file, options) => {
    const [, tsc = ""] = nodeBin("tsc");
    // Types of Node are the project's own to install; these are the repository's.
    const node = ["--types", "node", "--typeRoots", join(repoRoot, "node_modules/@types")];
    const strict = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "false",
      "--lib",
      "es2022,esnext.disposable",
    ];
    const source = consumer.write(`typed/${file}`, TYPED);
    const args = ["--target", "es2022", ...strict, ...node, ...options, source];
    expect(await consumer.output(tsc, ...args)).toBe("");
  });

  describe("in a minified bundle", () => {
    const scheduler = useScheduler();

    /** Bundles a program; returns the inputs of which something came into it. */
    async function bundled(name: string, text: string): Promise<{ file: string; inputs: string[] }> {
      const file = join(consumer.folder, "esm", `${name}.mjs`);
      const { metafile } = await build({
        absWorkingDir: consumer.folder,
        entryPoints: [consumer.write(`esm/${name}.ts`, text)],
        outfile: file,
        bundle: true,
        minify: true,
        platform: "node",
        format: "esm",
        target: "node20",
        metafile: true,
        // Libraries in CommonJS want it.
        banner: { js: 'import { createRequire as r } from "node:module"; const require = r(import.meta.url);' },
      });
      return { file, inputs: Object.keys(metafile.inputs) };
    }

    const ofServer = (inputs: readonly string[]) =>
      inputs.filter((input) => /@cloaca\/server\/|better-sqlite3|node_modules\/pino/.test(input));

    it("a host works, whatever the minifier calls its classes, and carries nothing of the scheduler", {
      timeout: PATIENCE_MS,
    }, async () => {
      const { file, inputs } = await bundled("host", HOST);
      expect(inputs).toContain("node_modules/@cloaca/sdk/dist/runner/host.js");
      expect(ofServer(inputs)).toEqual([]);
      const host = new ChildProgram(process.execPath, [file, scheduler.url]);
      try {
        const names = async () => (await scheduler.client.workflows()).map(({ name }) => name);
        await expect.poll(names, { timeout: PATIENCE_MS }).toContain("bundled");
        const { runId } = await scheduler.client.start("bundled");
        await expect(scheduler.client.result(runId)).rejects.toMatchObject({
          tasks: [{ task: "load", failure: { code: "PERMANENT_ERROR", type: "PermanentError" } }],
        });
      } finally {
        host.child.kill("SIGTERM");
      }
      const { code, output } = await host.ended;
      expect(output).toBe("succeeded count\nfailed load PermanentError true\n");
      expect(code).toBe(0);
    });

    it("nor does a runner, which loads the scheduler only when it is there", { timeout: PATIENCE_MS }, async () => {
      const text = `${imports.split("\n")[0]}
        const runner = new DefaultRunner("memory:");
        const { context } = await runner.execute(workflow("one", ({ task }) => { task({ id: "a" }, () => ({ n: 1 })); }));
        console.log(context.get("n"));
        await runner.close();`;
      const { file, inputs } = await bundled("runner", text);
      expect(ofServer(inputs)).toEqual([]);
      expect(await consumer.output(file)).toBe("1\n");
    });
  });
});
