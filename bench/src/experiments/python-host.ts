import { RunClient } from "../client/run-client.js";
import { figure } from "../figures.js";
import { startPythonHost } from "../processes/python-host.js";
import { startScheduler } from "../processes/scheduler.js";
import { type Experiment, runsPerSecond } from "./experiment.js";

const SLOTS = 1_000;

/** The host of examples/python, decorators and all: runs of one task, which sets a value. */
export const pythonHost: Experiment = {
  figures: ["python_host_tasks_per_s"],
  run: async ({ quick, profile }) => {
    const scheduler = await startScheduler(profile);
    const client = new RunClient(scheduler.address);
    const host = await startPythonHost(scheduler.address, SLOTS).catch(async (error: unknown) => {
      client.close();
      await scheduler.stop();
      throw error;
    });
    try {
      await client.watch();
      const load = { run: { workflow: host.workflow }, batch: 500, window: 3_000 };
      const rate = await runsPerSecond(client, load, quick ? 1_000 : 3_000, quick ? 3_000 : 10_000);
      return [figure("python_host_tasks_per_s", rate)];
    } finally {
      client.close();
      await host.stop();
      await scheduler.stop();
    }
  },
};
