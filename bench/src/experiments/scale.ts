import { setTimeout as delay } from "node:timers/promises";
import { layered, ONE_TASK } from "../client/workflows.js";
import { figure } from "../figures.js";
import { type Experiment, withBench } from "./experiment.js";

/** Registers a workflow of 10,000 tasks and runs it once. */
export const bigWorkflow: Experiment = {
  figures: ["workflow_10k_ms"],
  run: (options) => {
    const workflow = layered(100, 100);
    return withBench(options, { workflows: [], served: [workflow], slots: 1_000 }, async ({ client }) => {
      const begun = performance.now();
      await client.register(workflow);
      await client.startMany(1, { workflow: workflow.name ?? "" });
      await client.untilFinished(workflow.name ?? "", 1);
      return [figure("workflow_10k_ms", performance.now() - begun)];
    });
  },
};

/** A thousand hosts connect at once and stay: longer than a session lives without a sign of life. */
export const manySessions: Experiment = {
  figures: ["sessions_1000_connect_ms"],
  run: (options) =>
    withBench(options, { workflows: [ONE_TASK], hosts: 1_000, slots: 1 }, async ({ client, hosts }) => {
      if (!options.quick) await delay(20_000);
      const { known, connected } = await client.hosts();
      if (known !== 1_000 || connected !== 1_000) throw new Error(`${connected} of ${known} hosts are connected`);
      await client.startMany(1_000, { workflow: "one" });
      await client.untilFinished("one", 1_000);
      await hosts.tally();
      return [figure("sessions_1000_connect_ms", hosts.connectMs)];
    }),
};
