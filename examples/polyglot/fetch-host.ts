/** The first of the hosts: `node fetch-host.js <scheduler>`. It has the code of one task of the workflow. */
import { Host } from "cloaca";
import { serve } from "../demo/serve.js";
import { climate, PLACES } from "./climate-workflow.js";

const [, , url = ""] = process.argv;
const host = new Host({ url, hostId: PLACES.fetch, slots: 1, drainGraceMs: 0 });
for (const task of climate.tasks) if (task.id === "fetch") host.implement(climate.name, task);
await serve(host);
