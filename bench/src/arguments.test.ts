import { describe, expect, it } from "vitest";
import { parseArguments } from "./arguments.js";

describe("the bench's arguments", () => {
  it("measures everything, at length, unless told otherwise", () => {
    expect(parseArguments([])).toEqual({ only: null, quick: false, json: false, profile: null });
  });

  it("takes names of figures", () => {
    const { only } = parseArguments(["--only", "chain_tasks_per_s, idle_cpu_percent", "--quick"]);
    expect([...(only ?? [])]).toEqual(["chain_tasks_per_s", "idle_cpu_percent"]);
  });

  it("names every figure that it does not know", () => {
    expect(() => parseArguments(["--only", "chain,idle_cpu_percent,x"])).toThrow("no figure is named chain, x");
  });
});
