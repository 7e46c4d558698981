/** What the workflow found out, for people. */
import type { Line, Span } from "../demo/paint.js";
import type { Decade } from "./climate.js";

export const QUESTION = "What has the air done since the 1960s?";

/** Of the air before there were factories. */
const BEFORE_PPM = 280;
const BAR_WIDTH = 16;

export function reportLines(decades: readonly Decade[]): Line[] {
  const [first, last] = [decades[0], decades.at(-1)];
  if (first === undefined || last === undefined) return [["  there is no table"]];
  const mostPpm = Math.max(...decades.map(({ ppm }) => ppm - BEFORE_PPM));
  const mostCelsius = Math.max(...decades.map(({ celsius }) => celsius));
  const rows = decades.map(({ decade, ppm, celsius }): Line => {
    const left: Span[] = [[bar((ppm - BEFORE_PPM) / mostPpm), "blue"], ` ${ppm.toFixed(1)}`];
    const padding = " ".repeat(Math.max(1, BAR_WIDTH + 8 - widthOf(left)));
    return [`  ${decade}s  `, ...left, padding, [bar(celsius / mostCelsius), "red"], ` ${signed(celsius, 2)}`];
  });
  const title = `  ${"".padEnd(7)}CO₂, ppm${"".padEnd(BAR_WIDTH)}°C above 1951–1980`;
  const growth = `${signed(last.ppm - first.ppm, 1)} ppm and ${signed(last.celsius - first.celsius, 2)} °C`;
  return [
    ["  ", [QUESTION, "bold"]],
    [title],
    ...rows,
    [],
    [`  From the ${first.decade}s to the ${last.decade}s: ${growth}.`],
  ];
}

function bar(share: number): string {
  return share <= 0 ? "" : "▇".repeat(Math.max(1, Math.round(share * BAR_WIDTH)));
}

function widthOf(spans: readonly Span[]): number {
  return spans.reduce((sum, span) => sum + (typeof span === "string" ? span : span[0]).length, 0);
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}
