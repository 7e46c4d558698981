// The host of the soak: four tasks a run, one of which defers. Usage: fork soak-host.mjs with { address, slots } as JSON; any
// message is answered with what the process holds.
import { Host, workflow } from "@cloaca/sdk";

const { address, slots } = JSON.parse(process.argv[2] ?? "");
/** @type {string[]} */
const warnings = [];
process.on("warning", ({ name, message }) => warnings.push(`${name}: ${message}`));

const soak = workflow("soak", ({ task }) => {
  const load = task({ id: "load" }, (context) => ({ n: Number(context.get("n")) + 1 }));
  const left = task({ id: "left", dependencies: [load] }, (context) => ({ left: `${context.get("n")}`.repeat(20) }));
  const wait = task({ id: "wait", dependencies: [load] }, async (_context, handle) => {
    let polls = 0;
    await handle.deferUntil(() => ++polls > 1, { pollIntervalMs: 20, describe: "a second look" });
    return { waited: true };
  });
  task({ id: "last", dependencies: [left, wait] }, async (_context, handle) => {
    await handle.checkpoint();
    return { done: true };
  });
});

process.on("message", () => {
  // What is left is what something keeps.
  globalThis.gc?.();
  process.send?.({
    resources: process.getActiveResourcesInfo().length,
    heapKib: process.memoryUsage().heapUsed / 1024,
    warnings,
  });
});
process.on("disconnect", () => process.exit(0));
await new Host({ url: address, hostId: "soak", slots }).register(soak).run();
process.disconnect();
