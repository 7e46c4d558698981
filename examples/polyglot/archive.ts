/** Who sends the temperatures that `transform` waits for. */
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunEventInfo } from "cloaca";
import { dataFile } from "../demo/data-file.js";
import { REQUESTS_FILE, TEMPERATURES_FILE } from "./climate-workflow.js";

/** For people to see that the task waits. */
const SEARCH_MS = 800;

export class Archive {
  /** The last event of the log before the file was there; 0 as long as it is not. */
  answeredAfter = 0;
  #answer: Promise<void> | null = null;

  /** @param deferrals that it waits for: more than one where the host is killed that defers first */
  constructor(
    readonly folder: string,
    readonly deferrals: number,
  ) {}

  /** Looks at the log, and begins to search when it is asked. */
  look(events: readonly RunEventInfo[], sent: () => void): void {
    const deferred = events.filter(({ type }) => type === "TASK_DEFERRED").length;
    if (deferred < this.deferrals || !existsSync(join(this.folder, REQUESTS_FILE))) return;
    this.#answer ??= this.#send(events, sent);
  }

  /** Whatever it has begun is done. */
  async close(): Promise<void> {
    await this.#answer;
  }

  async #send(events: readonly RunEventInfo[], sent: () => void): Promise<void> {
    await sleep(SEARCH_MS);
    // Written under another name first: when the file is there, all of it is there.
    const file = join(this.folder, TEMPERATURES_FILE);
    await writeFile(`${file}.part`, await temperatures());
    this.answeredAfter = events.at(-1)?.eventSeq ?? 0;
    sent();
    await rename(`${file}.part`, file);
  }
}

/** Year by year: a table of year and degrees above the average of 1951 to 1980. */
export function temperatures(): Promise<string> {
  return readFile(dataFile("global-temp.csv"), "utf8");
}
