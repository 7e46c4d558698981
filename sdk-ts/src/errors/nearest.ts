/** More edits than this are no slip of the hand. */
const MAX_EDITS = 3;

/** Shorter beginnings of a word say too little about it. */
const MIN_BEGINNING = 3;

/**
 * The candidate that was most likely meant by `word`; undefined when none is near. Style (case, `_ - .`) costs nothing. A
 * beginning is near when it is that of one candidate only: `expo`.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const plain = withoutStyle(word);
  let best: string | undefined;
  const longer: string[] = [];
  // Short words that differ in most of their letters have nothing to do with each other.
  let within = Math.min(MAX_EDITS, Math.floor(plain.length * 0.4));
  for (const candidate of candidates) {
    const plainCandidate = withoutStyle(candidate);
    if (plainCandidate === plain) return candidate;
    if (longer.length < 2 && plain.length >= MIN_BEGINNING && plainCandidate.startsWith(plain)) longer.push(candidate);
    if (within < 1 || Math.abs(plainCandidate.length - plain.length) > within) continue;
    const edits = editDistance(plain, plainCandidate);
    if (edits > within) continue;
    best = candidate;
    within = edits - 1;
  }
  return best ?? (longer.length === 1 ? longer[0] : undefined);
}

/** `; did you mean "…"?` to end a message with, or nothing. */
export function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
}

function withoutStyle(word: string): string {
  return word.toLowerCase().replace(/[_.-]/g, "");
}

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap =
        a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replace, swap));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
