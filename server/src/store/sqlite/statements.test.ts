import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { MIGRATIONS } from "./schema.js";
import { prepareStatements } from "./statements.js";

it("finds the runs that go on by their index, however many have ended", () => {
  const db = new Database(":memory:");
  for (const step of MIGRATIONS) {
    if (typeof step === "string") db.exec(step);
    else step(db);
  }
  const { source } = prepareStatements(db).liveRuns;
  const plan = db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${source}`).all();
  expect(plan.map(({ detail }) => detail)).toEqual(["SCAN runs USING INDEX runs_live"]);
});
