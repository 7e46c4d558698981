import { describe, expect, it } from "vitest";

import type { WorkflowDefinition } from "./model.js";
import { canonicalDefinition, definitionVersion } from "./version.js";

const ETL: WorkflowDefinition = {
  name: "etl",
  description: 'says "hi"',
  tags: { team: "data", env: "test" },
  tasks: [
    { id: "load", dependencies: [], timeoutMs: 0 },
    { id: "report", dependencies: ["load", "check"], timeoutMs: 5_000 },
    { id: "check", dependencies: ["load"], timeoutMs: 0 },
  ],
};

describe("the version of a definition", () => {
  it("is a hash of a canonical form that never changes", () => {
    // Stores keep versions: another value here breaks every user's runs.
    expect(canonicalDefinition(ETL)).toBe(
      '{"description":"says \\"hi\\"","name":"etl","tags":{"env":"test","team":"data"},"tasks":[{"id":"load"},' +
        '{"dependencies":["load","check"],"id":"report","timeoutMs":5000},{"dependencies":["load"],"id":"check"}]}',
    );
    expect(definitionVersion(ETL)).toBe("3dde34d9ecc180af02c1");
    expect(definitionVersion({ name: "a", description: "", tags: {}, tasks: [] })).toBe("e0231f35673652c0f4a7");
  });

  it("does not depend on the order of tags", () => {
    expect(definitionVersion({ ...ETL, tags: { env: "test", team: "data" } })).toBe(definitionVersion(ETL));
  });

  it("depends on everything else", () => {
    const [load, report, check] = ETL.tasks;
    if (!load || !report || !check) throw new Error("three tasks");
    const others: WorkflowDefinition[] = [
      { ...ETL, name: "etl2" },
      { ...ETL, description: "" },
      { ...ETL, tags: { env: "test" } },
      { ...ETL, tags: { env: "test", team: "dat" } },
      { ...ETL, tasks: [load, check, report] },
      { ...ETL, tasks: [load, { ...report, dependencies: ["check", "load"] }, check] },
      { ...ETL, tasks: [load, { ...report, timeoutMs: 5_001 }, check] },
      { ...ETL, tasks: [{ ...load, id: "laod" }, report, check] },
    ];
    expect(new Set([ETL, ...others].map(definitionVersion)).size).toBe(others.length + 1);
  });

  it("takes odd tags as they are", () => {
    const tags = JSON.parse('{"__proto__":"x","":"\\u2028"}') as Record<string, string>;
    expect(JSON.parse(canonicalDefinition({ ...ETL, tags }))).toMatchObject({ tags });
    expect(canonicalDefinition({ ...ETL, tags })).toContain('"__proto__":"x"');
  });
});
