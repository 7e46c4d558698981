import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { DefinitionError } from "../errors/definition-error.js";
import { ErrorRecord } from "../errors/error-record.js";
import * as fixture from "./decorators.test-d.js";
import type { TaskInfo } from "./definition.js";
import * as sdk from "./index.js";
import { Context, noHandle, type TaskHandle, task, WorkflowBuilder } from "./index.js";
import { TASK_OPTIONS } from "./task-options.js";

const path = fileURLToPath(new URL("./decorators.test-d.ts", import.meta.url));

/** The fixture as tsc compiles it; vitest compiles with esbuild. */
function compiled(options: ts.CompilerOptions): typeof fixture {
  const { outputText } = ts.transpileModule(readFileSync(path, "utf8"), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, ...options },
  });
  const exports = {};
  new Function("exports", "require", outputText)(exports, (name: string) => {
    if (name === "./index.js") return sdk;
    throw new Error(`the fixture imports ${name}`);
  });
  return exports as typeof fixture;
}

const info = { attempt: 1 } as TaskInfo;

/** A handle whose conditions hold at once. */
const atOnce: TaskHandle = { ...noHandle, deferUntil: async (condition) => (await condition()) as never };

describe.each([
  ["standard, by esbuild", fixture],
  ["standard, by tsc", compiled({})],
  ["legacy, by tsc", compiled({ experimentalDecorators: true })],
  ["legacy, by tsc, for old engines", compiled({ experimentalDecorators: true, target: ts.ScriptTarget.ES2015 })],
])("@task, %s", (_name, { Etl, Base, Derived, Wrapped, Statics, callDirectly }) => {
  it("makes methods tasks, in declared order, with their options", () => {
    const { tasks } = new WorkflowBuilder("etl").addTasks(new Etl("a.csv")).build();
    const { fn } = { fn: expect.any(Function) };
    expect(tasks).toEqual([
      { id: "fetch_data", dependencies: [], timeoutMs: 1000, wantsHandle: false, fn, onSuccess: fn },
      { id: "waitForFile", dependencies: ["fetch_data"], wantsHandle: true, fn, onFailure: fn },
      { id: "report", dependencies: ["fetch_data", "waitForFile"], wantsHandle: false, fn },
    ]);
  });

  it("runs tasks and callbacks with the instance for this", async () => {
    const [one, two] = [new Etl("one"), new Etl("two")];
    const [fetchData, waitForFile, report] = new WorkflowBuilder("etl").addTasks(one).build().tasks;
    new WorkflowBuilder("other").addTasks(two).build();
    const context = new Context();
    await fetchData?.fn(context, null);
    await waitForFile?.fn(context, atOnce);
    expect(context.toJSON()).toEqual({ raw: ["one", "private"], found: "one" });
    expect(await report?.fn(context, null)).toEqual({ report: "found one" });
    fetchData?.onSuccess?.("fetch_data", context, info);
    waitForFile?.onFailure?.("waitForFile", ErrorRecord.from(new Error("boom")), context, info);
    expect(one.seen).toEqual([
      "fetchData",
      ["success", "fetch_data", ["raw", "found"], 1],
      ["failure", "waitForFile", "Error: boom"],
    ]);
    expect(two.seen).toEqual([]);
  });

  it("leaves the method callable as it was", async () => {
    await expect(callDirectly(new Etl("a"))).rejects.toMatchObject({ code: "HANDLE_MISSING" });
  });

  it("runs an override in the place of what it overrides", async () => {
    const derived = new Derived();
    const { tasks } = new WorkflowBuilder("etl").addTasks(derived).build();
    expect(
      tasks.map(({ id, dependencies, wantsHandle, timeoutMs }) => [id, dependencies, wantsHandle, timeoutMs]),
    ).toEqual([
      ["first", [], false, 5],
      ["second", ["first"], true, undefined],
      ["third_again", ["second"], false, undefined],
      ["fourth", ["third_again"], false, undefined],
    ]);
    for (const { fn } of tasks) await fn(new Context(), noHandle);
    expect(derived.log).toEqual([
      "base first",
      "base second true",
      "derived second",
      "base third",
      "derived third",
      "derived fourth",
    ]);
  });

  it("leaves the base class as it was", () => {
    const { tasks } = new WorkflowBuilder("etl").addTasks(new Base()).build();
    expect(tasks.map(({ id }) => id)).toEqual(["first", "second", "third"]);
  });

  it("works together with other decorators, outside of it and inside", async () => {
    const wrapped = new Wrapped();
    const { tasks } = new WorkflowBuilder("etl").addTasks(wrapped).build();
    expect(tasks.map(({ id, dependencies }) => [id, dependencies])).toEqual([
      ["outside", []],
      ["inside", ["outside"]],
    ]);
    for (const { fn } of tasks) await fn(new Context(), noHandle);
    expect(wrapped.log).toEqual(["wrapped", "outside true", "wrapped", "inside true"]);
  });

  it("takes methods that were bound or replaced on the instance", async () => {
    const etl = new Etl("bound");
    Object.assign(etl, { fetchData: etl.fetchData.bind(etl) });
    const { tasks } = new WorkflowBuilder("etl").addTasks(etl).build();
    expect(tasks[1]?.dependencies).toEqual(["fetch_data"]);
    await tasks[0]?.fn(new Context(), null);
    expect(etl.seen).toEqual(["fetchData"]);
  });

  it("sees through a proxy", () => {
    const { tasks } = new WorkflowBuilder("etl").addTasks(new Proxy(new Etl("a"), {})).build();
    expect(tasks).toHaveLength(3);
  });

  it("takes the static methods of a class", async () => {
    const { tasks } = new WorkflowBuilder("etl").addTasks(Statics).build();
    expect(tasks.map(({ id }) => id)).toEqual(["load"]);
    await tasks[0]?.fn(new Context(), null);
    expect(Statics.log).toEqual(["load true"]);
  });

  it("has the same tasks twice for two instances, which is a problem", () => {
    const builder = new WorkflowBuilder("etl").addTasks(new Base()).addTasks(new Base());
    expect(() => builder.build()).toThrow('"first" is already the id of tasks[0]');
  });

  it("wants an instance, not the class", () => {
    const builder = new WorkflowBuilder("etl").addTasks(Etl);
    expect(() => builder.build()).toThrow("addTasks was given a class that has no tasks; give it an instance: new …()");
  });
});

describe("types of legacy decorators", () => {
  it("the same classes are right and wrong in the same places", { timeout: 60_000 }, () => {
    const found = ts.readConfigFile(
      fileURLToPath(new URL("../../../tsconfig.base.json", import.meta.url)),
      ts.sys.readFile,
    );
    const { options } = ts.convertCompilerOptionsFromJson(found.config.compilerOptions, ".");
    const program = ts.createProgram([path], {
      ...options,
      composite: false,
      declaration: false,
      declarationMap: false,
      noEmit: true,
      types: [],
      experimentalDecorators: true,
    });
    const source = program.getSourceFile(path);
    expect(source).toBeDefined();
    const messages = program
      .getSemanticDiagnostics(source)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    expect(messages).toEqual([]);
  });
});

describe("@task where it does not belong", () => {
  const decorate =
    (...args: unknown[]) =>
    () =>
      Reflect.apply(task() as () => void, undefined, args);
  const initializer = { addInitializer: () => {}, metadata: {} };

  it.each([
    [
      "a field",
      [undefined, { kind: "field", name: "x", ...initializer }],
      "x is a field; @task(…) goes before a public",
    ],
    ["a getter", [() => {}, { kind: "getter", name: "x", ...initializer }], "x is a getter"],
    ["a class", [class {}, { kind: "class", name: "X", ...initializer }], "X is a class"],
    ["a private method", [() => {}, { kind: "method", name: "#x", private: true, ...initializer }], "#x is private"],
    ["a legacy accessor", [{}, "x", { get: () => 1 }], "x is no method"],
    ["a legacy property", [{}, "x"], "x is no method"],
    ["a legacy class", [class X {}], "a class is no method"],
  ])("throws for %s", (_name, args, message) => {
    expect(decorate(...args)).toThrow(DefinitionError);
    expect(decorate(...args)).toThrow(message);
  });

  it("throws when the parentheses are missing", () => {
    const bare = task as unknown as (...args: unknown[]) => void;
    expect(() => bare(() => {}, { kind: "method", name: "x", ...initializer })).toThrow(
      "write it with parentheses: @task()",
    );
    expect(() => bare({}, "x", { value: () => {} })).toThrow("write it with parentheses: @task()");
  });

  it("tells wrong options when the workflow is built", () => {
    class Wrong {
      @task({ timeout: 5, dependencies: (self: Wrong) => [self.missing] } as object)
      load(_context: Context) {}

      @task({
        dependencies: () => {
          throw new Error("boom");
        },
      })
      a(_context: Context) {}

      @task({ dependencies: (() => "load") as unknown as () => string[] })
      b(_context: Context) {}

      declare missing: () => void;
    }
    const options = TASK_OPTIONS.map(({ name }) => name).join(", ");
    const builder = new WorkflowBuilder("etl").addTasks(new Wrong());
    expect(() => builder.build()).toThrow(
      [
        'workflow "etl": 4 problems',
        `tasks[0].timeout: task "load": "timeout" is not an option of a task; options are ${options}; did you mean "timeoutMs"?`,
        'tasks[0].dependencies[0]: task "load": is undefined; write a task or the id of one',
        'tasks[1].dependencies: task "a": the function threw Error: boom; let it return an array of tasks or ids',
        'tasks[2].dependencies: task "b": the function returned the string "load"; let it return an array of tasks or ids',
      ].join("\n- "),
    );
  });
});
