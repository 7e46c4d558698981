import { expect, it } from "vitest";
import { climateOf, daysOf, longestDrySpell, mmByMonth, wetDays } from "./weather.js";

const HEAD = "location,date,precipitation,temp_max,temp_min,wind,weather";

it("reads the days of one city", () => {
  const csv = `${HEAD}\r\nSeattle,2012-01-01,0.0,12.8,5.0,4.7,drizzle\r\nNew York,2012-01-01,1.5,1,1,1,sun\r\n`;
  expect(daysOf("Seattle", csv)).toEqual([{ date: "2012-01-01", rainMm: 0 }]);
  expect(daysOf("Rome", csv)).toEqual([]);
});

it("finds the longest dry spell, and its last day", () => {
  const days = [0, 3, 0, 0, 0, 1, 0, 0].map((rainMm, index) => ({ date: `2012-01-0${index + 1}`, rainMm }));
  expect(longestDrySpell(days)).toEqual({ days: 3, until: "2012-01-05" });
  expect(longestDrySpell([])).toEqual({ days: 0, until: "" });
});

it("averages over the years", () => {
  const start = Date.UTC(2012, 0, 1);
  // Four years, with 4 mm on each first day of a month.
  const days = Array.from({ length: 1461 }, (_, index) => {
    const date = new Date(start + index * 86_400_000).toISOString().slice(0, 10);
    return { date, rainMm: date.endsWith("-01") ? 4 : 0 };
  });
  expect(wetDays(days)).toEqual({ perYear: 12, mmPerYear: 48, mmPerWetDay: 4 });
  mmByMonth(days).forEach((mm) => {
    expect(mm).toBeCloseTo(4);
  });
  expect(climateOf(days)).toMatchObject({ days: 1461, from: "2012-01-01", to: "2015-12-31" });
});
