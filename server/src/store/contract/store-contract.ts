/**
 * What every store must do, whatever it is made of. A new store is a new call of `storeContract`; a rule that only one
 * store keeps is no rule of the contract.
 */
import { afterEach, beforeEach, describe, expect } from "vitest";
import type { Store } from "../store.js";
import { auditStore } from "./audit-store.js";
import { controlContract } from "./control-contract.js";
import { deadlineContract } from "./deadline-contract.js";
import { grantContract } from "./grant-contract.js";
import { logContract } from "./log-contract.js";
import { orderContract } from "./order-contract.js";
import { purgeContract } from "./purge-contract.js";
import { recoveryContract } from "./recovery-contract.js";
import { retryContract } from "./retry-contract.js";
import { runContract } from "./run-contract.js";
import { sessionContract } from "./session-contract.js";
import { type TestOptions, testOptions, World } from "./world.js";

/** Where the stores of one test live. */
export interface StorePlace {
  /** Opens the store of this place; empty at first. */
  open(options: TestOptions): Promise<Store>;
  remove(): Promise<void>;
}

/** A test asks for the world when it runs: each has its own. */
export type TheWorld = () => World;

export function storeContract(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(`the store contract on ${name}`, () => {
    let place: StorePlace;
    let world: World;
    const theWorld = (): World => world;

    beforeEach(async () => {
      place = await makePlace();
      const options = testOptions();
      world = new World(await place.open(options), options);
    });

    afterEach(async () => {
      try {
        expect(await world.store.check()).toEqual([]);
        await expectTrueLedger(world.store);
        expect(await auditStore(world.store)).toEqual([]);
      } finally {
        await world.store.close();
        await place.remove();
      }
    });

    describe("sessions", () => sessionContract(theWorld));
    describe("runs and workflows", () => runContract(theWorld));
    describe("grants", () => grantContract(theWorld));
    describe("the order of grants", () => orderContract(theWorld));
    describe("deadlines", () => deadlineContract(theWorld));
    describe("retries", () => retryContract(theWorld));
    describe("control", () => controlContract(theWorld));
    describe("loss and recovery", () => recoveryContract(theWorld));
    describe("purging", () => purgeContract(theWorld));
    describe("the log", () => logContract(theWorld));
  });
}

/** Numbers are dense within each run, and the slot deltas of the log add up to what the books say is held. */
async function expectTrueLedger(store: Store): Promise<void> {
  const held = new Map<string, number>();
  for (const namespace of ["default", "other"]) {
    const { chunks } = await store.events({ namespace, runId: null, after: 0, limit: 100_000 });
    const last = new Map<string, number>();
    for (const { runId, events } of chunks) {
      for (const { seq, sessionId, slotDelta = 0 } of events) {
        expect(seq).toBe((last.get(runId) ?? 0) + 1);
        last.set(runId, seq);
        if (sessionId === undefined) expect(slotDelta).toBe(0);
        else held.set(sessionId, (held.get(sessionId) ?? 0) + slotDelta);
      }
    }
    for (const view of store.listSessions(namespace)) {
      expect([view.session.id, held.get(view.session.id) ?? 0]).toEqual([view.session.id, view.held]);
      held.delete(view.session.id);
    }
  }
  for (const [sessionId, count] of held) expect([sessionId, count]).toEqual([sessionId, 0]);
}
