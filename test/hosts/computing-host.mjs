// A host whose one task computes, without giving the main thread back, for as long as the arguments say.
// Usage: node computing-host.mjs <address> <ms>
import { Host } from "@cloaca/sdk";

const [address, ms] = process.argv.slice(2);
const compute = {
  id: "compute",
  dependencies: [],
  wantsHandle: false,
  fn() {
    const end = performance.now() + Number(ms);
    while (performance.now() < end) Math.sqrt(end);
    return { done: true };
  },
};
await new Host({ url: address, slots: 1 })
  .register({ name: "slow", description: "", tags: {}, tasks: [compute] })
  .run();
