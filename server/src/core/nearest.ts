/** More edits than this are no slip of the hand. */
const MAX_EDITS = 3;

/**
 * The candidate that was most likely meant by `word`, the first of equals; null when none is near. Style (case, and
 * `_ - .`) costs nothing.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const plain = withoutStyle(word);
  let best: string | null = null;
  // Two words of three letters that differ in two of them have nothing to do with each other.
  let within = Math.min(MAX_EDITS, Math.floor(word.length * 0.4));
  for (const candidate of candidates) {
    if (candidate === word) return candidate;
    if (within >= 0 && withoutStyle(candidate) === plain) {
      best = candidate;
      within = -1;
    }
    if (within < 0) continue;
    const edits = distance(word, candidate, within);
    if (edits <= within) {
      best = candidate;
      within = edits - 1;
    }
  }
  return best;
}

/** `; did you mean "…"?` to end a message with, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === null ? "" : `; did you mean ${JSON.stringify(near)}?`;
}

function withoutStyle(word: string): string {
  return word.toLowerCase().replace(/[_.-]/g, "");
}

/**
 * Edits (insert, delete, replace, swap of neighbours) from `a` to `b`, or anything over `limit` when there are more.
 * Only the diagonal band that can stay within the limit is computed: 20,000 candidates of 128 characters stay cheap.
 */
function distance(a: string, b: string, limit: number): number {
  const over = limit + 1;
  if (Math.abs(a.length - b.length) > limit) return over;
  const width = b.length + 1;
  let beforeLast = new Int32Array(width);
  let last = new Int32Array(width);
  let row = new Int32Array(width);
  for (let j = 0; j < width; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - limit);
    const to = Math.min(b.length, i + limit);
    row.fill(over);
    row[0] = i;
    let least = from === 1 ? i : over;
    for (let j = from; j <= to; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (
        i > 1 &&
        j > 1 &&
        a.charCodeAt(i - 1) === b.charCodeAt(j - 2) &&
        a.charCodeAt(i - 2) === b.charCodeAt(j - 1)
      ) {
        edits = Math.min(edits, at(beforeLast, j - 2) + 1);
      }
      row[j] = edits;
      if (edits < least) least = edits;
    }
    if (least > limit) return over;
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return at(last, b.length);
}

function at(row: Int32Array, index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
