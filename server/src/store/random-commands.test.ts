/**
 * Whatever hosts say, in whatever order, and whatever fails on the way: the books are right after every step, no grant goes
 * above a host's slots, no lease is executed twice, and every run comes to its end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { History, type Place } from "./contract/random-history.js";
import { anyStep, type Step } from "./contract/random-steps.js";
import { dump } from "./contract/reopening-store.js";
import { MemoryJournal } from "./memory/memory-journal.js";
import { openDatabase } from "./sqlite/open-database.js";
import { SqliteJournal } from "./sqlite/sqlite-journal.js";

function memory(): Place {
  return { file: null, open: () => new MemoryJournal(), remove: () => {} };
}

function sqlitePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-random-"));
  return {
    file: join(folder, "runs.db"),
    open: (now) => {
      const { db, release } = openDatabase(join(folder, "runs.db"), "");
      // Nothing is to survive the machine here, and thousands of commits would each wait for its disk.
      db.pragma("synchronous = OFF");
      return new SqliteJournal(db, release, { now: () => now });
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

describe.each<[string, () => Place, number]>([
  ["memory", memory, 300],
  ["sqlite", sqlitePlace, 60],
])("random histories on %s", (_name, makePlace, numRuns) => {
  it("keep the books right, and every run ends", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 60, size: "max" }), async (steps) => {
        const place = makePlace();
        const history = new History(place);
        try {
          await history.begin();
          for (const step of steps) {
            await history.take(step);
            await history.check();
          }
          // While runs go on, and leases are held.
          await history.audit();
          await history.end();
        } finally {
          await history.store.close();
          place.remove();
        }
      }),
      { numRuns },
    );
  });
});

it("memory and SQLite say the same of random histories", { timeout: 60_000 }, async () => {
  // A restart forgets who was heard when, and only one of them has any.
  const steps = fc.array(
    anyStep.filter((step) => !restarts(step)),
    { minLength: 20, maxLength: 60, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const places = [memory(), sqlitePlace()];
      const histories = places.map((place) => new History(place));
      try {
        for (const history of histories) await history.begin();
        for (const step of taken) {
          const said = [];
          for (const history of histories) {
            await history.take(step);
            said.push(await dump(history.store));
          }
          expect(said[1], step.type).toEqual(said[0]);
        }
      } finally {
        for (const history of histories) await history.store.close();
        for (const place of places) place.remove();
      }
    }),
    { numRuns: 40 },
  );
});

function restarts(step: Step): boolean {
  return step.type === "crash" || (step.type === "fail" && restarts(step.step));
}
