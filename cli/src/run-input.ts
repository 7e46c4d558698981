/** The context that a run starts with, from flags and files. */
import { readFileSync } from "node:fs";
import { CommandError } from "./command-error.js";

export interface InputFlags {
  readonly context?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly jsonContext?: string;
}

/** The file first, then `--json-context`, then `--context`: a later one replaces a key of an earlier one. */
export function runInput({ context = {}, input, jsonContext }: InputFlags): Record<string, unknown> {
  return {
    ...(input === undefined ? {} : parseObject(read(input), input === "-" ? "the standard input" : input)),
    ...(jsonContext === undefined ? {} : parseObject(jsonContext, "--json-context")),
    ...Object.fromEntries(Object.entries(context).map(([key, text]) => [key, parseValue(key, text)])),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    throw wrong(`--input: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parseObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(`${where} is ${kindOf(value)}; write an object, for example {"day": "2026-11-24"}`);
  }
  refuseUnsafe(text, where);
  return value as Record<string, unknown>;
}

/** `3`, `true`, `[1,2]` are what they look like; what is no JSON is text. */
function parseValue(key: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  refuseUnsafe(text, `--context ${key}`);
  return value;
}

const TEXT_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number that JavaScript would change in silence is refused. */
function refuseUnsafe(json: string, where: string): void {
  for (const [token] of json.matchAll(TEXT_OR_NUMBER)) {
    if (token.startsWith('"')) continue;
    const isLost = /^-?\d+$/.test(token) ? !Number.isSafeInteger(Number(token)) : !Number.isFinite(Number(token));
    if (isLost)
      throw wrong(`${where}: the number ${token} does not fit into JavaScript; write it as a text, "${token}"`);
  }
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function wrong(message: string): CommandError {
  return CommandError.usage(message, "run");
}
