// A host for tests of the command: `greet` succeeds, `broken` fails until it is told "mend", `held` waits until "go on".
// Usage: fork cli-host.mjs with the address; it says "ready".
import { Host, workflow } from "@cloaca/sdk";

const [address] = process.argv.slice(2);
let isMended = false;
let isTold = false;
process.on("message", (message) => {
  if (message === "mend") isMended = true;
  if (message === "go on") isTold = true;
  process.send?.(`did ${message}`);
});

const greet = workflow("greet", ({ task }) => {
  const hello = task({ id: "hello" }, (context) => ({ greeting: `hello, ${context.get("name", "nobody")}` }));
  task({ id: "shout", dependencies: [hello] }, (context) => ({
    greeting: `${context.get("greeting").toUpperCase()}!`,
  }));
});

const broken = workflow("broken", ({ task }) => {
  const load = task({ id: "load" }, () => {
    if (!isMended) throw new TypeError("the column is missing");
    return { rows: 3 };
  });
  task({ id: "report", dependencies: [load] }, () => ({ done: true }));
  task({ id: "other" }, () => {});
});

const held = workflow("held", ({ task }) => {
  const hold = task({ id: "hold" }, async (_context, handle) => {
    await handle.deferUntil(() => isTold, { pollIntervalMs: 10, describe: "to be told" });
  });
  task({ id: "after", dependencies: [hold] }, () => {});
});

const host = new Host({ url: String(address), hostId: "worker", slots: 2 })
  .register(greet)
  .register(broken)
  .register(held);
const served = host.run();
await host.ready();
process.send?.("ready");
await served;
process.disconnect();
