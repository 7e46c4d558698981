import { didYouMean, nearest } from "./nearest.js";
import type { Problem } from "./problem.js";
import { quote } from "./quote.js";

/**
 * The options that nobody knows.
 *
 * @param of whose options they are, for messages: `a task`
 */
export function unknownOptions(options: object, allowed: readonly string[], of: string): Problem[] {
  const unknown = Object.keys(options).filter((name) => !allowed.includes(name));
  return unknown.map((name) => unknownOption(name, allowed, of));
}

export function unknownOption(name: string, allowed: readonly string[], of: string): Problem {
  const near = nearest(name, allowed);
  return {
    path: name,
    message: `${quote(name)} is not an option of ${of}; options are ${allowed.join(", ")}${didYouMean(near)}`,
    allowed,
    ...(near === undefined ? {} : { nearest: near }),
  };
}
