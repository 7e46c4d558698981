/** Times as people say them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was: `now`, `12s ago`, `3m ago`, `2h ago`, `5d ago`. */
export function age(at: Date | null, now: number): string {
  if (at === null) return "";
  // Another machine's clock may be ahead of this one's.
  const ms = now - at.getTime();
  return ms < SECOND ? "now" : `${coarse(ms)} ago`;
}

/** How far away something is: `in 12s`; `now` once it is due. */
export function until(at: Date | null, now: number): string {
  if (at === null) return "";
  const ms = at.getTime() - now;
  return ms < SECOND ? "now" : `in ${coarse(ms)}`;
}

/** A length of time in two units at the most: `0ms`, `850ms`, `1.2s`, `42s`, `3m 05s`, `2h 10m`, `3d 04h`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 9_950) return `${(ms / SECOND).toFixed(1)}s`;
  const whole = Math.round(ms / SECOND) * SECOND;
  if (whole < MINUTE) return `${whole / SECOND}s`;
  if (whole < HOUR) return pair(whole, MINUTE, "m", SECOND, "s");
  return whole < DAY ? pair(whole, HOUR, "h", MINUTE, "m") : pair(whole, DAY, "d", HOUR, "h");
}

/** `2026-11-24 13:05:09` in local time. */
export function moment(at: Date): string {
  const [year, ...rest] = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(String);
  return `${year}-${rest.map((part) => part.padStart(2, "0")).join("-")} ${clock(at).slice(0, 8)}`;
}

/** `13:05:09.042` in local time. */
export function clock(at: Date): string {
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0"));
  return `${parts.join(":")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

function coarse(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  return ms < 2 * DAY ? `${Math.floor(ms / HOUR)}h` : `${Math.floor(ms / DAY)}d`;
}

function pair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${largeName} ${String(rest).padStart(2, "0")}${smallName}`;
}
