import { RunClient } from "../client/run-client.js";
import { type FigureName, figure } from "../figures.js";
import { type Language, startLanguageHost } from "../processes/language-host.js";
import { startScheduler } from "../processes/scheduler.js";
import { type Experiment, runsPerSecond } from "./experiment.js";

const SLOTS = 1_000;

/** A host of examples/, as its users write it: runs of one task, which sets a value. */
const languageHost = (language: Language, name: FigureName): Experiment => ({
  figures: [name],
  run: async ({ quick, profile }) => {
    const scheduler = await startScheduler(profile);
    const client = new RunClient(scheduler.address);
    const host = await startLanguageHost(language, scheduler.address, SLOTS).catch(async (error: unknown) => {
      client.close();
      await scheduler.stop();
      throw error;
    });
    try {
      await client.watch();
      const load = { run: { workflow: host.workflow }, batch: 500, window: 3_000 };
      const rate = await runsPerSecond(client, load, quick ? 1_000 : 3_000, quick ? 3_000 : 10_000);
      return [figure(name, rate)];
    } finally {
      client.close();
      await host.stop();
      await scheduler.stop();
    }
  },
});

export const pythonHost = languageHost("Python", "python_host_tasks_per_s");
export const goHost = languageHost("Go", "go_host_tasks_per_s");
