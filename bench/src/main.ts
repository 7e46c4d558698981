/** `npm run bench`: measures a scheduler, a host and a client as three processes, and prints the figures. */
import { type BenchArguments, parseArguments, USAGE } from "./arguments.js";
import { ceiling } from "./experiments/ceiling.js";
import { deferrals } from "./experiments/deferrals.js";
import type { Experiment } from "./experiments/experiment.js";
import { idle } from "./experiments/idle.js";
import { goHost, pythonHost } from "./experiments/language-hosts.js";
import { bigWorkflow, manySessions } from "./experiments/scale.js";
import { startLatency } from "./experiments/start-latency.js";
import { chains, eightSlots, fanOuts, oneTaskRuns, unaryStarts } from "./experiments/throughput.js";
import { FIGURE_NAMES, type Figure, table } from "./figures.js";
import { machine } from "./machine.js";

const EXPERIMENTS: readonly Experiment[] = [
  ceiling,
  oneTaskRuns,
  unaryStarts,
  chains,
  fanOuts,
  eightSlots,
  startLatency,
  deferrals,
  idle,
  bigWorkflow,
  manySessions,
  pythonHost,
  goHost,
];

process.exitCode = await main();

async function main(): Promise<number> {
  let options: BenchArguments;
  try {
    options = parseArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  const figures: Figure[] = [];
  let failed = 0;
  for (const experiment of EXPERIMENTS) {
    if (!isWanted(experiment, options)) continue;
    process.stderr.write(`measuring ${experiment.figures.join(", ")} …\n`);
    try {
      figures.push(...(await experiment.run(options)));
    } catch (error) {
      failed++;
      console.error(error);
    }
  }
  figures.sort((a, b) => FIGURE_NAMES.indexOf(a.name) - FIGURE_NAMES.indexOf(b.name));
  const { cpu, cores, memoryGib, os, node } = machine();
  if (options.json) console.log(JSON.stringify({ machine: machine(), figures }));
  else console.log(`${cores} × ${cpu}, ${memoryGib} GiB, ${os}, Node ${node}\n\n${table(figures)}`);
  return failed > 0 ? 1 : 0;
}

function isWanted({ figures }: Experiment, { only }: BenchArguments): boolean {
  return only === null || figures.some((name) => only.has(name));
}
