import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { migrate } from "./migrate.js";
import { MIGRATIONS } from "./schema.js";
import { preparePurgeStatements, prepareStatements } from "./statements.js";

const db = new Database(":memory:");
migrate(db, MIGRATIONS);

it.each(["liveRuns", "tasksOfLiveRuns", "logOfLiveRuns"] as const)(
  "%s begins with the index of the runs that go on, and sorts nothing, however many have ended",
  (name) => {
    const { source } = prepareStatements(db)[name];
    const plan = db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${source}`).all();
    const [first, second, ...more] = plan.map(({ detail }) => detail);
    expect(first).toMatch(/^SCAN (r|runs) USING INDEX runs_live$/);
    expect(second ?? "SEARCH").toMatch(/^SEARCH/);
    expect(more).toEqual([]);
  },
);

it("a purge counts a row of the log by all that stands in it, in one column or, as before schema version 5, in two", () => {
  prepareStatements(db).insertEvents.run(1, 7, Buffer.alloc(9_000));
  db.prepare("INSERT INTO events (position, run, data, tasks) VALUES (2, 7, '[]', ?)").run("é".repeat(4_500));
  const sizes = preparePurgeStatements(db).sizesOfEvents.all(7, 10);
  expect(sizes).toEqual([
    { key: 1, bytes: 9_000 },
    { key: 2, bytes: 9_002 },
  ]);
});
