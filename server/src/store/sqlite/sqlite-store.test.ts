import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reopening } from "../contract/reopening-store.js";
import { type StorePlace, storeContract } from "../contract/store-contract.js";
import { openStore } from "../open-store.js";

async function place(
  wrap: (open: () => Promise<ReturnType<typeof openStore>>) => ReturnType<StorePlace["open"]>,
): Promise<StorePlace> {
  const folder = mkdtempSync(join(ROOT, "cloaca-store-"));
  return {
    open: (options) => wrap(async () => openStore(`sqlite://${join(folder, "runs.db")}`, options, "")),
    remove: async () => rmSync(folder, { recursive: true }),
  };
}

// The operating system does not fail here, so its memory will do: thousands of commits would each wait for a disk.
const ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

storeContract("sqlite", () => place((open) => open()));

storeContract("sqlite, closed and opened again after every operation", () => place(reopening));
