import fs, { mkdtempSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { plainWorkflow as workflow } from "../fakes/plain-workflow.js";
import { DefaultRunner } from "./default-runner.js";

const { fdatasyncSync } = fs;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cloaca-lost-"));
});

afterEach(() => {
  setSync(fdatasyncSync);
  rmSync(folder, { recursive: true });
});

function setSync(sync: typeof fdatasyncSync): void {
  fs.fdatasyncSync = sync;
  syncBuiltinESMExports();
}

function noMoreSyncs(): void {
  setSync(() => {
    throw new Error("EIO: i/o error, fdatasync");
  });
}

it("a disk that takes nothing at all ends the wait as well, also of what comes next", async () => {
  noMoreSyncs();
  const runner = new DefaultRunner({ url: `sqlite://${join(folder, "runs.db")}` });
  const lost = { code: "STORE_UNAVAILABLE", message: expect.stringMatching(/EIO.*start it anew/) };
  for (let times = 0; times < 2; times++) {
    await expect(runner.execute(workflow("w", { a: { fn: () => {} } }))).rejects.toMatchObject(lost);
  }
  await runner.close();
});

it("a disk that does not take what a task did ends the run's wait with the reason, and the runner", async () => {
  const runner = new DefaultRunner({ url: `sqlite://${join(folder, "runs.db")}` });
  const executed = runner.execute(
    workflow("w", {
      a: {
        fn: noMoreSyncs,
      },
    }),
  );
  await expect(executed).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/EIO.*start it anew/),
  });
  await runner.close();
});
