/** Prints what a test has measured, beside its name in the report. */
export function figure(what: string, value: number, unit: string): void {
  const text = Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(value < 10 ? 2 : 0);
  process.stdout.write(`    ${what}: ${text} ${unit}\n`);
}
