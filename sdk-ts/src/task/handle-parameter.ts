import { type Expression, type Options, type Pattern, parseExpressionAt } from "acorn";
import { quote } from "../errors/quote.js";

/** Names of a second parameter that ask for the handle. */
export const HANDLE_NAMES: readonly string[] = ["handle", "taskHandle", "task_handle"];

// Compilers add a number to a parameter's name where the scope around it knows the name too: esbuild makes it `handle2`.
const HANDLE_NAME = new RegExp(`^(?:${HANDLE_NAMES.join("|")})(?:\\$?\\d+)?$`);

/** Whether a function asks for the handle; why that cannot be told, or why the function is no code of a task. */
export type HandleRequest =
  | { readonly kind: "wanted" }
  | { readonly kind: "unwanted" }
  | { readonly kind: "unclear" | "unreadable" | "unfit"; readonly message: string };

const WANTED: HandleRequest = { kind: "wanted" };
const UNWANTED: HandleRequest = { kind: "unwanted" };
const SAY_IT = `name the second parameter ${HANDLE_NAMES.slice(0, -1).join(", ")} or ${HANDLE_NAMES.at(-1)}, or write the option handle: true or handle: false`;

// Generated workflows register one function many times over, one after the other.
let last: { readonly source: string; readonly request: HandleRequest } | undefined;

/** Whether the second parameter of a function is named for the handle. Reads the function's source; never throws. */
export function handleRequest(fn: (...args: never[]) => unknown): HandleRequest {
  const source = Function.prototype.toString.call(fn);
  if (last?.source !== source) last = { source, request: requestOf(source) };
  return last.request;
}

function requestOf(source: string): HandleRequest {
  const parameters = parametersOf(source);
  if (parameters === undefined) {
    const why = "the source of the function cannot be read (it may be bound or native), so its parameters are unknown";
    return { kind: "unreadable", message: `${why}; ${SAY_IT}` };
  }
  const [first, second, ...others] = parameters;
  const empty = others.find((parameter) => !canDoWithout(parameter));
  if (empty !== undefined) return unfit(parameters.indexOf(empty), nameOf(empty));
  const firstName = nameOf(first);
  if (second === undefined) {
    if (firstName === undefined || !HANDLE_NAME.test(firstName)) return UNWANTED;
    return unclear(`the first parameter is named ${firstName}, but it is the context; the handle is the second`);
  }
  const name = nameOf(second);
  if (name !== undefined && HANDLE_NAME.test(name)) return WANTED;
  // A task is called with one argument, which is fine for a parameter that can do without one.
  if (canDoWithout(second)) return UNWANTED;
  return unclear(
    name === undefined
      ? "the second parameter is a pattern and has no name, so it is not clear whether it takes the handle"
      : `the second parameter is named ${quote(name)}, so it is not clear whether it takes the handle`,
  );
}

function canDoWithout({ type }: Pattern): boolean {
  return type === "AssignmentPattern" || type === "RestElement";
}

function unfit(index: number, name: string | undefined): HandleRequest {
  const which = `parameter ${index + 1}${name === undefined ? "" : `, named ${quote(name)},`}`;
  const right = "a task takes its context and, when it wants it, the handle";
  return { kind: "unfit", message: `${which} would get no value: ${right}; remove it, or give it a default` };
}

function unclear(why: string): HandleRequest {
  return { kind: "unclear", message: `${why}; ${SAY_IT}` };
}

const PARSER: Options = {
  ecmaVersion: "latest",
  // A method is read without its class, which declares them.
  checkPrivateFields: false,
};

/** The parameters of a function's source; undefined when it cannot be read. */
function parametersOf(source: string): readonly Pattern[] | undefined {
  // A function or an arrow stands for itself; a method's source is readable only within a class.
  return (
    parametersIn(`(${source})`, (expression) => expression) ??
    parametersIn(`(class extends Object{${source}})`, methodOf)
  );
}

function parametersIn(code: string, find: (expression: Expression) => unknown): readonly Pattern[] | undefined {
  try {
    const found = find(parseExpressionAt(code, 0, PARSER));
    return hasParameters(found) ? found.params : undefined;
  } catch {
    return undefined;
  }
}

function hasParameters(node: unknown): node is { readonly params: readonly Pattern[] } {
  return typeof node === "object" && node !== null && "params" in node && Array.isArray(node.params);
}

function methodOf(expression: Expression): unknown {
  if (expression.type !== "ClassExpression") return undefined;
  const [member] = expression.body.body;
  return member?.type === "MethodDefinition" ? member.value : undefined;
}

function nameOf(pattern: Pattern | undefined): string | undefined {
  if (pattern?.type === "Identifier") return pattern.name;
  return pattern?.type === "AssignmentPattern" ? nameOf(pattern.left) : undefined;
}
