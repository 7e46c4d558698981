/** The report: what the workflow found out, as text. */
import type { Climate } from "./weather.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const BAR_WIDTH = 15;

export const QUESTION = "Does it rain more in Seattle or in New York?";

/** At most 48 columns wide. */
export function reportOf(seattle: Climate, newYork: Climate): string {
  const row = (title: string, tell: (city: Climate) => string): string =>
    `${title.padEnd(24)}${tell(seattle).padStart(10)}${tell(newYork).padStart(14)}`;
  return [
    QUESTION,
    `${seattle.from} to ${seattle.to}, ${whole(seattle.days)} days`,
    "",
    row("", (city) => (city === seattle ? "Seattle" : "New York")),
    row("days with rain, a year", ({ wetDays }) => whole(wetDays.perYear)),
    row("rain on such a day", ({ wetDays }) => `${wetDays.mmPerWetDay.toFixed(1)} mm`),
    row("rain, a year", ({ wetDays }) => `${whole(wetDays.mmPerYear)} mm`),
    row("longest dry spell", ({ drySpell }) => `${drySpell.days} days`),
    "",
    `mm    ${"Seattle".padEnd(BAR_WIDTH + 6)}New York`,
    ...months(seattle, newYork),
    "",
    ...conclusion(seattle, newYork),
    "",
  ].join("\n");
}

function months(seattle: Climate, newYork: Climate): string[] {
  const most = Math.max(...seattle.mmByMonth, ...newYork.mmByMonth);
  const bar = (mm: number): string => `${"▇".repeat(Math.max(1, Math.round((mm / most) * BAR_WIDTH)))} ${whole(mm)}`;
  return MONTHS.map((month, index) => {
    const left = bar(seattle.mmByMonth[index] ?? 0).padEnd(BAR_WIDTH + 6);
    return `${month}   ${left}${bar(newYork.mmByMonth[index] ?? 0)}`;
  });
}

function conclusion(seattle: Climate, newYork: Climate): string[] {
  const name = (city: Climate): string => (city === seattle ? "Seattle" : "New York");
  const by = (measure: (city: Climate) => number): Climate =>
    measure(seattle) >= measure(newYork) ? seattle : newYork;
  const often = by(({ wetDays }) => wetDays.perYear);
  const hard = by(({ wetDays }) => wetDays.mmPerWetDay);
  const most = by(({ wetDays }) => wetDays.mmPerYear);
  const dry = by(({ drySpell }) => drySpell.days);
  return [
    `It rains more often in ${name(often)}, harder in`,
    `${name(hard)}, and in all more in ${name(most)}.`,
    `The longest time without rain, ${dry.drySpell.days} days`,
    `to ${dry.drySpell.until}, was in ${name(dry)}.`,
  ];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
