/** Numbers, times and lists in the sentences that people read. */

/** Host ids in quotes. */
export function names(hosts: readonly string[]): string {
  return list(hosts.map((host) => `"${host}"`));
}

/** Items of a list. */
const SHOWN = 5;

/** The first of them, and how many more there are. */
export function list(items: readonly string[]): string {
  const shown = items.slice(0, SHOWN).join(", ");
  return items.length > SHOWN ? `${shown} and ${items.length - SHOWN} more` : shown;
}

/** `1 slot`, `2 slots`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A time in milliseconds, in the unit that fits it. */
export function span(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  const seconds = whole / 1_000;
  if (seconds < 120) return `${Math.round(seconds * 10) / 10} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
