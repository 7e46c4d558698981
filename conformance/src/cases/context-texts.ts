/** The texts of the shared fixture of context values; a test compares them. */
export interface ContextText {
  readonly name: string;
  /** JSON on the wire. */
  readonly text: string;
  /** What a host writes after reading it; the same as `text` when absent. */
  readonly canonical?: string;
  /** A language whose numbers are doubles refuses it. */
  readonly unsafe?: boolean;
  /** Every host refuses it. */
  readonly invalid?: boolean;
}

export const CONTEXT_TEXTS: readonly ContextText[] = [
  { name: "null", text: "null" },
  { name: "true", text: "true" },
  { name: "false", text: "false" },
  { name: "zero", text: "0" },
  { name: "negative zero reads as zero", text: "-0", canonical: "0" },
  { name: "a whole number", text: "42" },
  { name: "the largest safe integer", text: "9007199254740991" },
  { name: "the smallest safe integer", text: "-9007199254740991" },
  { name: "a fraction", text: "0.1" },
  { name: "a fraction that says nothing", text: "1.0", canonical: "1" },
  { name: "an exponent", text: "1e3", canonical: "1000" },
  { name: "a large float", text: "1e+21" },
  { name: "a large float with other spelling", text: "1E21", canonical: "1e+21" },
  { name: "a float beyond the safe integers", text: "9.007199254740992e15", canonical: "9.007199254740992e+15" },
  { name: "the largest double", text: "1.7976931348623157e+308" },
  { name: "the smallest double", text: "5e-324" },
  { name: "a float that underflows", text: "1e-400", canonical: "0" },
  { name: "more digits than a double holds", text: "0.1234567890123456789", canonical: "0.12345678901234568" },
  { name: "the first unsafe integer", text: "9007199254740992", unsafe: true },
  { name: "an unsafe integer within", text: '{"id":[1,9223372036854775807]}', unsafe: true },
  { name: "a negative unsafe integer", text: "-9223372036854775808", unsafe: true },
  { name: "an integer of many digits", text: "100000000000000000000000000000", unsafe: true },
  { name: "a number that overflows", text: "1e400", unsafe: true },
  { name: "digits in a string are no number", text: '"9223372036854775807"' },
  { name: "digits in a key are no number", text: '{"9223372036854775807":1}' },
  { name: "digits after an escaped quote are no number", text: '"\\\\\\"9223372036854775807"' },
  { name: "the empty string", text: '""' },
  { name: "a string", text: '"Gr\u00fc\u00dfe"' },
  { name: "a character beyond the basic plane", text: '"\ud83d\ude42"' },
  { name: "an escaped pair of surrogates", text: '"\\ud83d\\ude42"', canonical: '"\ud83d\ude42"' },
  { name: "control characters", text: '"\\u0000\\n\\t\\u001f"' },
  { name: "line separators", text: '"\\u2028\\u2029"', canonical: '"\u2028\u2029"' },
  { name: "an escaped slash", text: '"a\\/b"', canonical: '"a/b"' },
  { name: "half a pair of surrogates", text: '"\\ud83d"', invalid: true },
  { name: "the other half", text: '"\\ude42 "', invalid: true },
  { name: "half a pair in a key", text: '{"\\ud83d":1}', invalid: true },
  { name: "the empty array", text: "[]" },
  { name: "an array", text: '[1,"a",null,[true]]' },
  { name: "the empty object", text: "{}" },
  { name: "an object keeps its order", text: '{"b":1,"a":2}' },
  { name: "an empty key", text: '{"":1}' },
  { name: "keys that are special to JavaScript", text: '{"__proto__":{"x":1},"constructor":1,"toString":2}' },
  { name: "spaces", text: ' { "a" : [ 1 , 2 ] } ', canonical: '{"a":[1,2]}' },
  { name: "the last of two equal keys counts", text: '{"a":1,"a":2}', canonical: '{"a":2}' },
  { name: "nothing", text: "", invalid: true },
  { name: "a word", text: "undefined", invalid: true },
  { name: "NaN", text: "NaN", invalid: true },
  { name: "Infinity", text: "[Infinity]", invalid: true },
  { name: "a trailing comma", text: "[1,]", invalid: true },
  { name: "a leading zero", text: "01", invalid: true },
  { name: "single quotes", text: "'a'", invalid: true },
  { name: "two values", text: "1 2", invalid: true },
];
