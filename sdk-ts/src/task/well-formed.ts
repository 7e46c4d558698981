// With the u flag a pair counts as one code point, so only a surrogate without its partner matches.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether the text can be written as UTF-8: it holds no surrogate without its partner. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
