import { HandleMissingError } from "../errors/handle-errors.js";
import type { TaskHandle } from "./task-handle.js";

/**
 * The handle for calling a task directly, in a test of what it does besides deferring:
 * `await new Etl().waitForFile(new Context(), noHandle)`.
 *
 * `deferUntil` throws a HandleMissingError, for there is no slot to give back; `isSlotHeld` says false; `checkpoint` does
 * nothing; `signal` is never aborted; it is attempt 1 with fence 0.
 */
export const noHandle: TaskHandle = Object.freeze({
  async deferUntil(): Promise<never> {
    throw new HandleMissingError("deferUntil");
  },
  isSlotHeld: () => false,
  checkpoint: async () => {},
  signal: new AbortController().signal,
  fence: 0,
  attempt: 1,
  leaseId: "",
});
