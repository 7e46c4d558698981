// Only such a text can hold a number that is unsafe: 16 digits in a row, or an exponent. Most texts hold neither.
const SUSPECT = /[0-9]{16}|[0-9][eE]/;

const NUMBER = /-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The first number in a valid JSON text that a JavaScript number cannot hold: a whole number written without fraction or
 * exponent that is no safe integer, or any number that overflows a double. Fractions and exponents are floating point in
 * every language; their nearest double is what they mean.
 */
export function unsafeNumberIn(json: string): string | undefined {
  if (!SUSPECT.test(json)) return undefined;
  let at = 0;
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      NUMBER.lastIndex = at;
      const [literal = "", fraction, exponent] = NUMBER.exec(json) ?? [];
      const value = Number(literal);
      const whole = fraction === undefined && exponent === undefined;
      if (!Number.isFinite(value) || (whole && !Number.isSafeInteger(value))) return literal;
      at += Math.max(1, literal.length);
    } else at += 1;
  }
  return undefined;
}

/** The position after the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end === -1 ? json.length : end + 1;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}
