// `npm run fault`: real faults and hostile input, at full length. Usage: node scripts/fault.mjs --help
import { parseArgs } from "node:util";
import { setUp } from "./lib/setup.mjs";
import { countsText, runVitest } from "./lib/vitest.mjs";

const HELP = `npm run fault -- [options] [file…]
  --seeds <n>   how many inputs each fuzz test tries, 1000 if left out
  --seed <n>    where they begin; the one of npm test if left out
  file          only test files whose path has this in it, for example hostile

Short forms of all of it run within npm test.`;

/** @returns {Promise<number>} */
async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seeds: { type: "string" }, seed: { type: "string" }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  setUp();
  const counts = await runVitest(["--project", "fault", ...positionals], {
    ...process.env,
    FAULT_FORM: "full",
    ...(values.seeds === undefined ? {} : { FAULT_SEEDS: whole(values.seeds) }),
    ...(values.seed === undefined ? {} : { FAULT_SEED: whole(values.seed) }),
  });
  console.log(countsText(counts));
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

/** @param {string} text */
function whole(text) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0 && value < 2 ** 31) return text;
  throw new Error(`"${text}" is no whole number from 1 to ${2 ** 31 - 1}\n${HELP}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
