/** `npm run sim`: many seeds, or one of them with everything that happens. See --help. */
import { parseArgs } from "node:util";
import { planOf } from "./plan.js";
import { simulate } from "./simulation.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
let failed = 0;
const t0 = process.cpuUsage();
for (let seed = from; seed < from + count; seed++) {
  const outcome = await simulate(planOf(seed), values.trace ? { trace: (l) => console.log(l) } : {});
  if (outcome.breaches.length > 0) {
    failed++;
    console.log(`seed ${seed}: ${outcome.breaches[0]}`);
  }
}
const { user, system } = process.cpuUsage(t0);
console.log(`cpu ${(user + system) / 1000} ms`);
console.log(`${count - failed} passed, ${failed} failed`);
