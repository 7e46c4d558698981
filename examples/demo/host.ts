/** A task host of the demo: `node host.js <scheduler> <host id>`. It has one slot, and serves until it is told to stop. */
import { Host } from "cloaca";
import { rain } from "./rain-workflow.js";

const [, , url = "", hostId = ""] = process.argv;

// Who started it waits for this, and when that process is gone, nobody needs this one any more.
const host = new Host({ url, hostId, slots: 1, drainGraceMs: 0 }).register(rain);
process.once("disconnect", () => void host.drain());
void host.ready().then(() => process.send?.("ready"));
await host.run();
process.disconnect?.();
