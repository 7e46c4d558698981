// A host with two slots whose tasks go on when they are told to: `running` keeps its slot until then, `waiting` defers.
// Usage: fork waiting-host.mjs with the address; it tells { executes } and takes "go on".
import { Host, workflow } from "@cloaca/sdk";

const [address] = process.argv.slice(2);
let told = false;
const goOn = new Promise((resolve) => {
  process.on("message", () => {
    told = true;
    resolve(undefined);
  });
});
const executes = (/** @type {string} */ task) => process.send?.({ executes: task });

const pair = workflow("pair", ({ task }) => {
  task({ id: "running" }, async () => {
    executes("running");
    await goOn;
    return { running: 1 };
  });
  task({ id: "waiting" }, async (_context, handle) => {
    executes("waiting");
    let local = "before";
    await handle.deferUntil(() => told, { pollIntervalMs: 10, describe: "to be told" });
    local += " and after";
    return { waiting: local };
  });
  task({ id: "last", dependencies: ["running", "waiting"] }, () => {
    executes("last");
    return { last: 1 };
  });
});

const host = new Host({ url: String(address), slots: 2 }).register(pair);
await host.run();
process.disconnect();
