/** Milliseconds of the machine's monotonic clock: one clock for all processes, so that a time can cross from one to another. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
