/** What is under way, in words: for the message of a test that is stuck. */
import type { Activity } from "./activity.js";

/** A line for each activity: what it waits for. */
export function waitingLines(activities: readonly Activity[]): string[] {
  return activities.map(({ label, isBusy, waitsFor }) =>
    isBusy
      ? `${label} waits for something of which the virtual clock knows nothing; let it wait with sleep(ms), replace or script it, or say a longer patienceMs`
      : `${label} ${waitsFor.join(", and ")}`,
  );
}

/** Why a loop has ended that is not done. */
export function whyStuck(end: "busy" | "until", patienceMs: number): string {
  return end === "busy"
    ? `there is no news for ${patienceMs} ms of real time, and virtual time stands still while code waits for something real (I/O, a promise, a real timer)`
    : "nothing is left that virtual time could bring";
}
