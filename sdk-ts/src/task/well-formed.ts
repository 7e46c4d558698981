// With the u flag a pair counts as one code point, so only a surrogate without its partner matches.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What is said of a text that is not well-formed. */
export const HALF_A_PAIR = "holds a lone surrogate (half of a pair), which UTF-8 cannot carry";

/** Whether the text can be written as UTF-8: it holds no surrogate without its partner. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
