/** A task host of the demo: `node host.js <scheduler> <host id>`. It has one slot, and serves until it is told to stop. */
import { Host } from "cloaca";
import { rain } from "./rain-workflow.js";
import { serve } from "./serve.js";

const [, , url = "", hostId = ""] = process.argv;

// Who started it waits for a line, and when that process is gone, nobody needs this one any more.
await serve(new Host({ url, hostId, slots: 1, drainGraceMs: 0 }).register(rain));
