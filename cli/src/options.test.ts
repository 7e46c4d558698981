import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import {
  integer,
  keyValue,
  oneOf,
  origins,
  parseAddress,
  parseDuration,
  parseNamespace,
  parseSchedulerAddress,
  parseStore,
  parseSwitch,
  wholeNumber,
} from "./options.js";

describe("options", () => {
  it.each(["127.0.0.1:7233", "localhost:0", "[::1]:65535"])("takes the address %s", (address) => {
    expect(parseAddress(address)).toBe(address);
  });

  it.each(["", "localhost", ":7233", "::1:7233", "h:65536", "h:-1", "a b:1"])("refuses the address '%s'", (address) => {
    expect(() => parseAddress(address)).toThrow(InvalidArgumentError);
  });

  it.each(["default", "_a.b-1"])("takes the namespace %s", (name) => expect(parseNamespace(name)).toBe(name));

  it.each(["", "a b", "1st", "ä", "x".repeat(129)])("refuses the namespace '%s'", (name) => {
    expect(() => parseNamespace(name)).toThrow(InvalidArgumentError);
  });

  it.each(["memory:", "sqlite://runs.db", "sqlite:///var/lib/runs.db"])("takes the store %s", (store) => {
    expect(parseStore(store)).toBe(store);
  });

  it.each(["", "memory", "sqlite://", "runs.db"])("refuses the store '%s'", (store) => {
    expect(() => parseStore(store)).toThrow(InvalidArgumentError);
  });

  it("collects origins, one by one and with commas", () => {
    expect(origins("http://[::1]:5173", origins("https://a.example, https://b.example:444"))).toEqual([
      "https://a.example",
      "https://b.example:444",
      "http://[::1]:5173",
    ]);
    expect(origins("*")).toEqual(["*"]);
  });

  it.each([
    "",
    "a.example",
    "https://A.example",
    "https://a.example/",
    "https://a.example:443",
    "null",
    "**",
    "https://*.example",
  ])("refuses the origin '%s'", (origin) => expect(() => origins(origin)).toThrow(InvalidArgumentError));

  it("takes whole numbers within their bounds alone", () => {
    const parse = wholeNumber(10, 20);
    expect(["10", "20"].map(parse)).toEqual([10, 20]);
    for (const text of ["9", "21", "1e1", "10.5", "-10", " 10", ""]) expect(() => parse(text)).toThrow(/from 10 to 20/);
  });

  it.each([
    ["1000ms", 1_000],
    ["90s", 90_000],
    ["15m", 900_000],
    ["36h", 129_600_000],
    ["30d", 2_592_000_000],
    ["36525d", 3_155_760_000_000],
  ])("reads %s as a duration", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "30", "d", "0d", "999ms", "-1d", "1.5d", "1 d", "1w", "36526d", "1D"])(
    "refuses the duration '%s'",
    (text) => expect(() => parseDuration(text)).toThrow(/a whole number and a unit .* 30d/),
  );

  it.each([
    ["1", true],
    ["TRUE", true],
    ["on", true],
    ["0", false],
    ["False", false],
    ["off", false],
    ["", false],
    ["maybe", null],
    ["constructor", null],
  ])("reads '%s' as a switch", (text, on) => {
    expect(parseSwitch(text)).toBe(on);
  });

  it.each(["localhost:7233", "grpc://h:1", "grpcs://scheduler.example:443/", "[::1]:7233"])("dials %s", (address) => {
    expect(parseSchedulerAddress(address)).toBe(address);
  });

  it.each(["", "localhost", "h:0", "h:65536", "http://h:1", "h:1/path", "a b:1"])("does not dial '%s'", (address) => {
    expect(() => parseSchedulerAddress(address)).toThrow(InvalidArgumentError);
  });

  it("collects key=value, whatever the value is; the last of a key counts", () => {
    const pairs = ["a=1", "b=x=y", "c=", "a=2"].reduce((before, text) => keyValue(text, before), {});
    expect(pairs).toEqual({ a: "2", b: "x=y", c: "" });
    for (const text of ["a", "=1", ""]) expect(() => keyValue(text)).toThrow(/key=value/);
  });

  it("collects words of a list, in any case, and says which there are", () => {
    const parse = oneOf(["FAILED", "RUNNING"]);
    expect(parse("running", parse("failed, Running"))).toEqual(["FAILED", "RUNNING", "RUNNING"]);
    expect(() => parse("failed,lost")).toThrow(/some of failed, running/);
  });

  it("takes whole numbers below zero where they make sense", () => {
    expect(integer(-5, 5)("-5")).toBe(-5);
    for (const text of ["-6", "1.5", "", "--1"]) expect(() => integer(-5, 5)(text)).toThrow(/from -5 to 5/);
  });
});
