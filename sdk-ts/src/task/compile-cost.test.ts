// What types of long graphs cost the compiler. Counted, not timed: on a quiet machine 200 chained tasks take about 1.5 s.
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FILE = `${ROOT}sdk-ts/src/task/generated.ts`;
const base: { compilerOptions: object } = ts.readConfigFile(`${ROOT}tsconfig.base.json`, ts.sys.readFile).config;
const { options } = ts.convertCompilerOptionsFromJson(base.compilerOptions, ROOT);

/** Compiles a program that exists only here, and counts what the compiler instantiated. */
function compile(lines: readonly string[]): { readonly problems: readonly string[]; readonly instantiations: number } {
  const text = [
    'import { workflow } from "./index.js";',
    'export const etl = workflow("etl", ({ task }) => {',
    ...lines,
    "});",
  ].join("\n");
  const noEmit = { ...options, noEmit: true, composite: false, declaration: false, declarationMap: false, types: [] };
  const host = ts.createCompilerHost(noEmit);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === FILE || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === FILE ? ts.createSourceFile(path, text, ts.ScriptTarget.ES2023) : getSourceFile(path, ...rest);
  const program = ts.createProgram([FILE], noEmit, host);
  const found = program.getSemanticDiagnostics(program.getSourceFile(FILE));
  return {
    problems: found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
    instantiations: program.getInstantiationCount(),
  };
}

function chain(length: number, code: (n: number) => string, options = ""): string[] {
  return Array.from({ length }, (_, n) => {
    const dependencies = n === 0 ? "" : `, dependencies: [t${n - 1}]`;
    return `const t${n} = task({ id: "t${n}"${dependencies}${options} }, async (context) => ${code(n)});`;
  });
}

it("stays small for 200 chained tasks, and types still flow from the first to the last", { timeout: 60_000 }, () => {
  const lines = chain(200, (n) =>
    n === 0 ? 'context.set("k0", 0)' : `context.set("k${n}", context.get("k${n - 1}") + 1)`,
  );
  const right =
    'task({ id: "last", dependencies: [t199] }, (context) => ({ sum: context.get("k0") + context.get("k199") }));';
  const wrong = 'task({ id: "wrong", dependencies: [t199] }, (context) => ({ sum: context.get("k200") }));';
  const { problems, instantiations } = compile([...lines, right, wrong]);
  expect(problems).toEqual([expect.stringContaining("No overload matches this call")]);
  expect(instantiations).toBeLessThan(120_000);
});

it("stays bearable where every task of 50 sets the same keys again", { timeout: 60_000 }, () => {
  const { problems, instantiations } = compile(
    chain(50, (n) => `({ same: ${n}, ["own${n}" as const]: context.get("same", 0), text: "x" })`),
  );
  expect(problems).toEqual([]);
  expect(instantiations).toBeLessThan(120_000);
});

it("stays bearable for 50 chained tasks under trigger rules, where every value may be missing", {
  timeout: 60_000,
}, () => {
  const lines = chain(50, (n) => `({ k${n}: context.get("k${n - 1}", 0) + 1 })`, ', triggerRule: "always"');
  const wrong = 'task({ id: "wrong", dependencies: [t49] }, (context) => ({ sum: context.get("k0") + 1 }));';
  const { problems, instantiations } = compile([...lines, wrong]);
  expect(problems).toEqual([expect.stringContaining("possibly 'undefined'")]);
  expect(instantiations).toBeLessThan(120_000);
});
