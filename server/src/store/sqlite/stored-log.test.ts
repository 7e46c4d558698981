/** The audit of a file, where it knows less than the store that wrote it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditFile } from "../../audit.js";
import { testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";

describe("the audit of a file with a failed run that was retried and goes on", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-stored-log-"));
    file = join(folder, "runs.db");
    const options = testOptions();
    const world = new World(openStore(`sqlite://${file}`, options, ""), options);
    await world.register("w", { a: [] });
    await world.host("h");
    const runId = await world.start("w");
    await world.fail(await world.lease());
    expect(await world.status(runId)).toBe("FAILED");
    await world.control(runId, { type: "retry", requestId: "" });
    await world.store.close();
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("finds nothing", async () => {
    expect(await auditFile(file, { keep: 10 })).toMatchObject({ breaches: [], runs: 1 });
  });

  it("finds that what came after the failure is gone from the log", async () => {
    const db = new Database(file);
    db.exec("DELETE FROM events WHERE position = (SELECT max(position) FROM events)");
    db.close();
    const { breaches } = await auditFile(file, { keep: 10 });
    expect(breaches).toMatchObject([
      {
        kind: "BOOKS",
        found: "the log of the run ends with event 5",
        right: "events after it: the run goes on, by the store",
      },
    ]);
  });

  it.each([
    ["the log of run", "UPDATE events SET data = x'0102'"],
    ["run", "UPDATE runs SET data = x'0102'"],
    ["the input of run", "UPDATE runs SET input = '{'"],
  ])("says that %s is damaged, to who audits and to who starts on it", async (what, damage) => {
    const db = new Database(file);
    const runId = String(db.prepare("SELECT run_id FROM runs").pluck().get());
    db.exec(damage);
    db.close();
    const expected = {
      code: "STORE_NOT_A_DATABASE",
      message: expect.stringContaining(`${file}: it is damaged, ${what} ${runId} cannot be read: `),
    };
    await expect(auditFile(file, { keep: 10 })).rejects.toMatchObject(expected);
    const open = async () => openStore(`sqlite://${file}`, testOptions(), "");
    await expect(open()).rejects.toMatchObject(expected);
    // It lets go of it: whoever comes next is told the same.
    await expect(open()).rejects.toMatchObject(expected);
  });
});
