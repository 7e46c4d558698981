/** P9: time in which no scheduler ran, over several starts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TestClock, testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";

const TIMEOUT_MS = 10_000;

/** A clock that can be set back, as one that was wrong. */
class WrongClock extends TestClock {
  #offset = 0;

  override now(): number {
    return super.now() + this.#offset;
  }

  override notBefore(at: number): void {
    this.#offset = Math.max(this.#offset, this.#offset + at - this.now());
  }

  set(offset: number): void {
    this.#offset = offset;
  }
}

describe("pauses between schedulers", () => {
  let folder: string;
  let file: string;
  let world: World;
  const clock = new WrongClock();
  const options = { ...testOptions(), clock };

  const open = (): World => new World(openStore(`sqlite://${file}`, options, ""), options);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "cloaca-pauses-"));
    file = join(folder, "runs.db");
    clock.set(0);
    world = open();
    await world.register("w", { a: { timeoutMs: TIMEOUT_MS } });
    await world.host("h", { slots: 4 });
  });

  afterEach(async () => {
    await world.store.close();
    rmSync(folder, { recursive: true });
  });

  /** No scheduler runs for so long. */
  async function pause(ms: number): Promise<void> {
    await world.store.close();
    clock.move(ms);
    world = open();
  }

  async function start(): Promise<string> {
    const runId = await world.start("w");
    await world.lease();
    return runId;
  }

  const failed = async (runId: string): Promise<boolean> => (await world.status(runId)) === "FAILED";

  /** An attempt times out in so many milliseconds, and not one before. */
  async function expectTimeoutIn(runId: string, ms: number): Promise<void> {
    clock.move(ms - 1);
    await world.store.fireDue(100);
    expect(await failed(runId)).toBe(false);
    clock.move(1);
    await world.store.fireDue(100);
    expect(await failed(runId)).toBe(true);
  }

  it("count for no lease, and what came before and between them for each that held its slot then", async () => {
    const first = await start();
    clock.move(1_000);
    const second = await start();
    await pause(60_000);
    clock.move(2_000);
    const third = await start();
    clock.move(500);
    await start();
    await pause(60_000);
    await pause(60_000);
    // Until its last event, a scheduler was there: 1,000 + 2,500 of the first, 2,500 of the second, 500 of the third.
    await expectTimeoutIn(first, TIMEOUT_MS - 3_500);
    await expectTimeoutIn(second, 1_000);
    await expectTimeoutIn(third, 2_000);
  });

  it("of a clock that was wrong do not stop a timeout once it is set right", async () => {
    const runId = await start();
    clock.move(1_000);
    await start();
    await world.store.close();
    clock.set(3_600_000);
    world = open();
    await world.store.close();
    clock.set(0);
    clock.move(10_000);
    world = open();
    await expectTimeoutIn(runId, TIMEOUT_MS - 1_000);
  });

  it("are kept for as long as a lease needs them, and no more than one of a time without events", async () => {
    const rows = (): number => {
      const db = new Database(file, { readonly: true });
      try {
        return Number(db.prepare("SELECT count(*) FROM pauses").pluck().get());
      } finally {
        db.close();
      }
    };
    await world.start("w");
    const lease = await world.lease();
    for (let n = 0; n < 5; n++) await pause(1_000);
    expect(rows()).toBe(1);
    await world.start("w");
    await pause(1_000);
    expect(rows()).toBe(2);
    await world.complete(lease);
    await pause(1_000);
    expect(rows()).toBe(0);
  });
});
