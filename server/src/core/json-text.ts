import { quote, shorten } from "./quote.js";
import { isWellFormed } from "./well-formed.js";

// What most values are. A number, a word or a string of printable characters without escapes needs no parser.
const SIMPLE = /^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|"[ !#-[\]-\uffff]*")$/;

/** What is wrong with a text that should be JSON, and what would be right; null when it is JSON that every language can read. */
export function jsonProblem(text: string): string | null {
  if (!isWellFormed(text)) return "holds a lone surrogate; JSON is text that UTF-8 can carry";
  if (SIMPLE.test(text)) return null;
  try {
    JSON.parse(text);
  } catch (error) {
    return notJson(text, error);
  }
  return hasEscapedLoneSurrogate(text)
    ? "escapes a lone surrogate (\\ud800 to \\udfff without its partner), which UTF-8 cannot carry"
    : null;
}

const WORDS: Readonly<Record<string, string>> = {
  True: "true",
  False: "false",
  None: "null",
  nil: "null",
  undefined: "null",
};

function notJson(text: string, error: unknown): string {
  if (text === "") return 'is empty, which is not JSON; an empty text is "" in JSON, nothing is null';
  const word = Object.hasOwn(WORDS, text) ? WORDS[text] : undefined;
  if (word !== undefined) return `is ${text}, which is not JSON; write ${word}, or "${text}" if it is text`;
  if (/^[+-]?(?:NaN|Infinity|inf|nan)$/.test(text)) {
    return `is ${text}, which JSON does not have; write null, or "${text}" if it is text`;
  }
  // Whoever sent a document wants to know where it breaks; a bare word is a forgotten pair of quotes.
  if (/^\s*[[{"]/.test(text)) return `is not JSON: ${error instanceof Error ? error.message : "it cannot be parsed"}`;
  const single = /^'([^']*)'$/.exec(text);
  return `is ${shorten(text)}, which is not JSON; write ${quote(single?.[1] ?? text)} if it is text`;
}

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

function hasEscapedLoneSurrogate(json: string): boolean {
  if (!SURROGATE_ESCAPE.test(json)) return false;
  // Reads escape after escape, so that `\\ud800` is a backslash and a word: first a pair, then half of one, then any other.
  const escapes = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F])|.)/g;
  for (const [, lone] of json.matchAll(escapes)) if (lone !== undefined) return true;
  return false;
}
