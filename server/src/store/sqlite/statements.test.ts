import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { MIGRATIONS } from "./schema.js";
import { prepareStatements } from "./statements.js";

it.each(["liveRuns", "tasksOfLiveRuns", "logOfLiveRuns"] as const)(
  "%s begins with the index of the runs that go on, and sorts nothing, however many have ended",
  (name) => {
    const db = new Database(":memory:");
    for (const step of MIGRATIONS) {
      if (typeof step === "string") db.exec(step);
      else step(db);
    }
    const { source } = prepareStatements(db)[name];
    const plan = db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${source}`).all();
    const [first, second, ...more] = plan.map(({ detail }) => detail);
    expect(first).toMatch(/^SCAN (r|runs) USING INDEX runs_live$/);
    expect(second ?? "SEARCH").toMatch(/^SEARCH/);
    expect(more).toEqual([]);
  },
);
