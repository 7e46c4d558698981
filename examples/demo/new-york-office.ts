/** Who sends the file that the workflow waits for: it answers a request with New York's days of the data set. */
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunEventInfo } from "cloaca";
import { ANSWER_FILE, type RainInput, REQUEST_FILE, type Request, rain } from "./rain-workflow.js";
import { handOversOf } from "./run-view.js";
import { rowsOf } from "./weather.js";

/** The file arrives when so many other tasks have had the slot of the one that waits: by what happened, not by a clock. */
const TASKS_IN_THE_SLOT = 2;

export class NewYorkOffice {
  /** The last event of the log before the file was there; 0 as long as it is not. */
  answeredAfter = 0;
  #isAnswering = false;

  constructor(readonly input: RainInput) {}

  /** Looks at the log, and sends the file when it is time. Resolves with the number of days sent, or null. */
  async look(events: readonly RunEventInfo[]): Promise<number | null> {
    const request = join(this.input.folder, REQUEST_FILE);
    if (this.#isAnswering || !isTime(events) || !existsSync(request)) return null;
    this.#isAnswering = true;
    const { from, to } = JSON.parse(await readFile(request, "utf8")) as Request;
    const rows = rowsOf("New York", await readFile(this.input.dataFile, "utf8")).filter((row) => {
      const [, date = ""] = row.split(",");
      return from <= date && date <= to;
    });
    // Written under another name first: when the file is there, all of it is there.
    const file = join(this.input.folder, ANSWER_FILE);
    await writeFile(`${file}.part`, rows.join("\n"));
    this.answeredAfter = events.at(-1)?.eventSeq ?? 0;
    await rename(`${file}.part`, file);
    return rows.length;
  }
}

/** Two tasks have had the slot; or, should the other host have been faster, nothing is left that could. */
function isTime(events: readonly RunEventInfo[]): boolean {
  const [handOver] = handOversOf(events);
  if (handOver === undefined) return false;
  const leased = new Set(events.filter(({ type }) => type === "TASK_LEASED").map(({ task }) => task));
  const isLeft = rain.tasks.some(({ id, dependencies }) => !leased.has(id) && !dependencies.includes(handOver.task));
  return handOver.reusedBy.length >= TASKS_IN_THE_SLOT || !isLeft;
}
