import { closest, distance } from "fastest-levenshtein";

/** The candidate that was most likely meant: only a slip or two of the hand is near. Null when none is. */
export function nearest(text: string, candidates: readonly string[]): string | null {
  if (candidates.length === 0) return null;
  const near = closest(text, candidates);
  return distance(text, near) <= Math.min(3, Math.floor(text.length / 4)) ? near : null;
}
