/** Carbon dioxide and temperature by decade: what the workflow finds out, computed in one go as well. */
import { readFile } from "node:fs/promises";

export interface Decade {
  readonly decade: number;
  /** Carbon dioxide in the air, parts in a million. */
  readonly ppm: number;
  /** Warmer than the average of 1951 to 1980. */
  readonly celsius: number;
}

type Measured = readonly [year: number, value: number];

/** Carbon dioxide, month by month: a table of date, measured, and adjusted for the season. */
export async function carbonDioxide(file: string): Promise<Measured[]> {
  return measured(await readFile(file, "utf8"));
}

/** Of a table whose first column begins with the year: the second column. */
export function measured(csv: string): Measured[] {
  const [, ...rows] = csv.trim().split(/\r?\n/);
  return rows.map((row) => {
    const [date = "", value = ""] = row.split(",");
    return [Number(date.slice(0, 4)), Number(value)];
  });
}

/** Decades that both are known of. */
export function decadesOf(co2: readonly Measured[], temperatures: readonly Measured[]): Decade[] {
  const [ppm, celsius] = [byDecade(co2), byDecade(temperatures)];
  return [...ppm].flatMap(([decade, mean]) => {
    const warmer = celsius.get(decade);
    return warmer === undefined ? [] : [{ decade, ppm: mean, celsius: warmer }];
  });
}

/** The table that the workflow leaves. */
export function tableOf(csv: string): Decade[] {
  const [, ...rows] = csv.trim().split(/\r?\n/);
  return rows.map((row) => {
    const [decade, ppm, celsius] = row.split(",").map(Number);
    return { decade: decade ?? Number.NaN, ppm: ppm ?? Number.NaN, celsius: celsius ?? Number.NaN };
  });
}

/** The mean of each decade of which every year is there. */
function byDecade(values: readonly Measured[]): Map<number, number> {
  const found = new Map<number, { readonly years: Set<number>; sum: number; count: number }>();
  for (const [year, value] of values) {
    const decade = Math.floor(year / 10) * 10;
    const entry = found.get(decade) ?? { years: new Set(), sum: 0, count: 0 };
    entry.years.add(year);
    entry.sum += value;
    entry.count++;
    found.set(decade, entry);
  }
  const whole = [...found].filter(([, { years }]) => years.size === 10);
  return new Map(whole.map(([decade, { sum, count }]) => [decade, sum / count]));
}
