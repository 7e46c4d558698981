/** The workflow of the demo: a graph that the scheduler keeps, whose three tasks have their code in three languages. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { workflow } from "cloaca";
import { carbonDioxide } from "./climate.js";

/** What a run starts with. */
export interface ClimateInput {
  /** Carbon dioxide in the air, month by month. */
  readonly dataFile: string;
  /** Where the tasks and the archive leave files for each other. */
  readonly folder: string;
}

/** `transform` asks for the temperatures with a line in the one file, and waits for the other. */
export const REQUESTS_FILE = "requests.txt";
export const TEMPERATURES_FILE = "temperatures.csv";
/** What `load` leaves. */
export const TABLE_FILE = "climate.csv";

/** As long as it is there, the task does not end: the demo holds one whose host it is about to kill, so that no clock decides. */
export const holdFile = (task: string): string => `hold-${task}`;

/** Task by task, the host that has its code. */
export const PLACES = { fetch: "typescript", transform: "python", load: "go" } as const;

/** Of tasks whose code is in ../python/polyglot_host.py and ../go/cmd/polyglot-host. */
const elsewhere = (): never => {
  throw new Error("the code of this task is in another language");
};

export const climate = workflow<ClimateInput>("climate", ({ task }) => {
  const fetch = task({ id: "fetch" }, async (context, handle) => {
    const { signal } = handle;
    const co2 = await carbonDioxide(context.get("dataFile"));
    // The reading takes milliseconds: too fast to watch.
    await sleep(700, undefined, { signal });
    const hold = join(context.get("folder"), holdFile("fetch"));
    while (existsSync(hold)) await sleep(20, undefined, { signal });
    return { co2 };
  });
  const transform = task({ id: "transform", dependencies: [fetch] }, elsewhere);
  task({ id: "load", dependencies: [transform] }, elsewhere);
});
