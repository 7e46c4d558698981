/** `npm run sim`: many seeds, or one with everything that happens. Ends with `N passed, N failed`. */
import { parseArgs } from "node:util";
import { planOf } from "./plan.js";
import { describePlan, shrink } from "./shrink.js";
import { simulate } from "./simulation.js";

const HELP = `npm run sim -- [options]
  --seeds <n>     how many seeds to run, 1000 if left out
  --from <n>      the first of them, 1 if left out
  --seed <n>      run this one alone
  --trace         with --seed: tell everything that happens
  --no-shrink     do not look for the shortest schedule of a seed that fails`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    "no-shrink": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** So many failing seeds are shrunk: one defect fails many. */
const MOST_SHRUNK = 3;

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const from = whole(values.seed ?? values.from);
  const count = values.seed === undefined ? whole(values.seeds) : 1;
  const options = values.trace && count === 1 ? { trace: (line: string) => console.log(line) } : {};
  let failed = 0;
  let events = 0;
  let restarts = 0;
  for (let seed = from; seed < from + count; seed++) {
    const plan = planOf(seed);
    const outcome = await simulate(plan, options);
    events += outcome.events;
    restarts += outcome.restarts;
    const done = seed - from + 1;
    if (done % 10_000 === 0) console.log(`${done} seeds, ${failed} failed`);
    if (outcome.breaches.length === 0) continue;
    failed++;
    console.log(`seed ${seed} failed: ${outcome.breaches.join("\n  ")}`);
    if (values["no-shrink"] || failed > MOST_SHRUNK) continue;
    const shrunk = await shrink(plan);
    console.log(`its shortest schedule, found in ${shrunk.tries} runs: ${shrunk.outcome.breaches[0]}`);
    console.log(describePlan(shrunk.plan));
    console.log(`for regressions.json: ${JSON.stringify(shrunk.plan)}`);
  }
  if (count > 1) console.log(`${events} events of the log, ${restarts} restarts of the scheduler`);
  console.log(`${count - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`"${text}" is no whole number from 1 on\n${HELP}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
