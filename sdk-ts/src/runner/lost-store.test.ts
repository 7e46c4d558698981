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

it("a disk that does not take what a task did ends the run's wait with the reason, and the runner", async () => {
  const runner = new DefaultRunner({ url: `sqlite://${join(folder, "runs.db")}` });
  const executed = runner.execute(
    workflow("w", {
      a: {
        fn: () => {
          setSync(() => {
            throw new Error("EIO: i/o error, fdatasync");
          });
        },
      },
    }),
  );
  await expect(executed).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: expect.stringMatching(/EIO.*start it anew/),
  });
  await runner.close();
});
