/** Days of weather, and what can be said about the rain in them. */

export interface Day {
  /** As in `2012-01-31`. */
  readonly date: string;
  readonly rainMm: number;
}

export interface DrySpell {
  readonly days: number;
  /** Last day without rain. */
  readonly until: string;
}

export interface WetDays {
  /** Days with rain, of an average year. */
  readonly perYear: number;
  /** Rain of an average year. */
  readonly mmPerYear: number;
  /** Rain on an average day with rain. */
  readonly mmPerWetDay: number;
}

/** All that the report tells about a city. */
export interface Climate {
  readonly days: number;
  readonly from: string;
  readonly to: string;
  /** Rain of an average January, February, … */
  readonly mmByMonth: readonly number[];
  readonly drySpell: DrySpell;
  readonly wetDays: WetDays;
}

const DAYS_PER_YEAR = 365.25;

/** The days of one city in the data set's table: location, date, precipitation, … */
export function daysOf(city: string, csv: string): Day[] {
  return rowsOf(city, csv).map((row) => {
    const [, date = "", rain = ""] = row.split(",");
    return { date, rainMm: Number(rain) };
  });
}

/** The lines of the data set's table that are about one city. */
export function rowsOf(city: string, csv: string): string[] {
  return csv.split(/\r?\n/).filter((row) => row.startsWith(`${city},`));
}

export function mmByMonth(days: readonly Day[]): number[] {
  const years = days.length / DAYS_PER_YEAR;
  const months = new Array<number>(12).fill(0);
  for (const { date, rainMm } of days) {
    const month = Number(date.slice(5, 7)) - 1;
    months[month] = (months[month] ?? 0) + rainMm / years;
  }
  return months;
}

export function longestDrySpell(days: readonly Day[]): DrySpell {
  let longest: DrySpell = { days: 0, until: "" };
  let length = 0;
  for (const { date, rainMm } of days) {
    length = rainMm === 0 ? length + 1 : 0;
    if (length > longest.days) longest = { days: length, until: date };
  }
  return longest;
}

export function wetDays(days: readonly Day[]): WetDays {
  const years = days.length / DAYS_PER_YEAR;
  const wet = days.filter(({ rainMm }) => rainMm > 0).length;
  const mm = days.reduce((sum, { rainMm }) => sum + rainMm, 0);
  return { perYear: wet / years, mmPerYear: mm / years, mmPerWetDay: mm / wet };
}

export function climateOf(days: readonly Day[]): Climate {
  return {
    days: days.length,
    from: days[0]?.date ?? "",
    to: days.at(-1)?.date ?? "",
    mmByMonth: mmByMonth(days),
    drySpell: longestDrySpell(days),
    wetDays: wetDays(days),
  };
}
