/** The workflow of the demo. Its code runs in the two host processes. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type TaskHandle, workflow } from "cloaca";
import { reportOf } from "./report.js";
import { climateOf, daysOf, longestDrySpell, mmByMonth, wetDays } from "./weather.js";

/** What a run starts with. */
export interface RainInput {
  /** The weather of both cities; of it, the tasks read Seattle's. */
  readonly dataFile: string;
  /** Where the tasks and the office in New York leave files for each other. */
  readonly folder: string;
}

/** What Seattle asks New York for. */
export interface Request {
  readonly from: string;
  readonly to: string;
}

export const REQUEST_FILE = "request.json";
export const ANSWER_FILE = "new-york.csv";
export const REPORT_FILE = "report.txt";

export const rain = workflow<RainInput>("rain", ({ task }) => {
  const readSeattle = task({ id: "read_seattle" }, async (context, handle) => {
    const days = daysOf("Seattle", await readFile(context.get("dataFile"), "utf8"));
    await toBeSeen(500, handle);
    return { days };
  });

  const askNewYork = task({ id: "ask_new_york", dependencies: [readSeattle] }, async (context, handle) => {
    const folder = context.get("folder");
    const days = context.get("days");
    const request: Request = { from: days[0]?.date ?? "", to: days.at(-1)?.date ?? "" };
    await writeFile(join(folder, REQUEST_FILE), JSON.stringify(request));
    await toBeSeen(250, handle);

    // From here on another task runs in this slot, until the file is there.
    const answer = join(folder, ANSWER_FILE);
    const file = await handle.deferUntil(() => existsSync(answer) && answer, {
      pollIntervalMs: 50,
      describe: ANSWER_FILE,
    });

    // And here the same call goes on, with its local variables.
    const newYork = climateOf(daysOf("New York", await readFile(file, "utf8")));
    if (newYork.days !== days.length) throw new Error(`New York sent ${newYork.days} days, not ${days.length}`);
    await toBeSeen(300, handle);
    return { newYork };
  });

  const rainByMonth = task({ id: "rain_by_month", dependencies: [readSeattle] }, async (context, handle) => {
    await toBeSeen(1700, handle);
    return { mmByMonth: mmByMonth(context.get("days")) };
  });

  const drySpell = task({ id: "dry_spell", dependencies: [readSeattle] }, async (context, handle) => {
    await toBeSeen(600, handle);
    return { drySpell: longestDrySpell(context.get("days")) };
  });

  const countWetDays = task({ id: "wet_days", dependencies: [readSeattle] }, async (context, handle) => {
    await toBeSeen(600, handle);
    return { wetDays: wetDays(context.get("days")) };
  });

  task(
    { id: "write_report", dependencies: [askNewYork, rainByMonth, drySpell, countWetDays] },
    async (context, handle) => {
      const seattle = {
        ...climateOf(context.get("days")),
        mmByMonth: context.get("mmByMonth"),
        drySpell: context.get("drySpell"),
        wetDays: context.get("wetDays"),
      };
      await writeFile(join(context.get("folder"), REPORT_FILE), reportOf(seattle, context.get("newYork")));
      await toBeSeen(400, handle);
      context.remove("days");
    },
  );
});

/** The computing takes milliseconds: too fast to watch. Ends early when the task is told to stop. */
async function toBeSeen(ms: number, { signal }: TaskHandle): Promise<void> {
  await sleep(ms, undefined, { signal });
}
