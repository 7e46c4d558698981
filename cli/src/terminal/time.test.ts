import { describe, expect, it } from "vitest";
import { age, clock, duration, moment, until } from "./time.js";

const NOW = 1_000_000_000_000;

describe("times for people", () => {
  it.each([
    [0, "0ms"],
    [850.4, "850ms"],
    [999, "999ms"],
    [1_000, "1.0s"],
    [9_949, "9.9s"],
    [9_950, "10s"],
    [59_499, "59s"],
    [59_500, "1m 00s"],
    [185_000, "3m 05s"],
    [3_599_600, "1h 00m"],
    [7_800_000, "2h 10m"],
    [273_600_000, "3d 04h"],
    [-5, "0ms"],
  ])("%d ms are %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [-5_000, "now"],
    [999, "now"],
    [1_000, "1s ago"],
    [59_999, "59s ago"],
    [60_000, "1m ago"],
    [3_600_000, "1h ago"],
    [47 * 3_600_000, "47h ago"],
    [48 * 3_600_000, "2d ago"],
  ])("what was %d ms ago is %s", (ms, text) => {
    expect(age(new Date(NOW - ms), NOW)).toBe(text);
  });

  it("looks ahead as well, and says nothing about what is not there", () => {
    expect(until(new Date(NOW + 61_000), NOW)).toBe("in 1m");
    expect(until(new Date(NOW - 1), NOW)).toBe("now");
    expect([age(null, NOW), until(null, NOW)]).toEqual(["", ""]);
  });

  it("names a moment in local time", () => {
    const at = new Date(2026, 0, 2, 3, 4, 5, 6);
    expect(moment(at)).toBe("2026-01-02 03:04:05");
    expect(clock(at)).toBe("03:04:05.006");
  });
});
