// A host whose task `poison` ends the process that executes it; `healthy` does no harm.
// Usage: fork poison-host.mjs with the address and the host's name; it says "ready".
import { Host, workflow } from "@cloaca/sdk";

const [address, hostId] = process.argv.slice(2);

const poisoned = workflow("poisoned", ({ task }) => {
  const poison = task({ id: "poison" }, () => {
    process.exit(1);
  });
  task({ id: "after", dependencies: [poison] }, () => {});
});

const healthy = workflow("healthy", ({ task }) => {
  task({ id: "healthy" }, () => ({ by: String(hostId) }));
});

const host = new Host({ url: String(address), hostId: String(hostId), slots: 1 }).register(poisoned).register(healthy);
const served = host.run();
await host.ready();
process.send?.("ready");
await served;
process.disconnect();
