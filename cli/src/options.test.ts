import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { parseAddress, parseStore, parseSwitch, wholeNumber } from "./options.js";

describe("options", () => {
  it.each(["127.0.0.1:7233", "localhost:0", "[::1]:65535"])("takes the address %s", (address) => {
    expect(parseAddress(address)).toBe(address);
  });

  it.each(["", "localhost", ":7233", "::1:7233", "h:65536", "h:-1", "a b:1"])("refuses the address '%s'", (address) => {
    expect(() => parseAddress(address)).toThrow(InvalidArgumentError);
  });

  it.each(["memory:", "sqlite://runs.db", "sqlite:///var/lib/runs.db"])("takes the store %s", (store) => {
    expect(parseStore(store)).toBe(store);
  });

  it.each(["", "memory", "sqlite://", "runs.db"])("refuses the store '%s'", (store) => {
    expect(() => parseStore(store)).toThrow(InvalidArgumentError);
  });

  it("takes whole numbers within their bounds alone", () => {
    const parse = wholeNumber(10, 20);
    expect(["10", "20"].map(parse)).toEqual([10, 20]);
    for (const text of ["9", "21", "1e1", "10.5", "-10", " 10", ""]) expect(() => parse(text)).toThrow(/from 10 to 20/);
  });

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
});
