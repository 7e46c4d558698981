import { setTimeout as delay } from "node:timers/promises";
import { ONE_TASK } from "../client/workflows.js";
import { figure } from "../figures.js";
import { cpuMs } from "../processes/usage.js";
import { type Experiment, withBench } from "./experiment.js";

/** A hundred hosts that have nothing to do but show life. */
export const idle: Experiment = {
  figures: ["idle_cpu_percent"],
  run: (options) =>
    withBench(options, { workflows: [ONE_TASK], hosts: 100, slots: 4 }, async ({ scheduler }) => {
      await delay(2_000);
      const [from, begun] = [cpuMs(scheduler.pid), performance.now()];
      await delay(options.quick ? 3_000 : 10_000);
      const percent = (100 * (cpuMs(scheduler.pid) - from)) / (performance.now() - begun);
      return [figure("idle_cpu_percent", percent)];
    }),
};
