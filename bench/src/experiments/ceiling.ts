import { fork } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FromCeiling } from "../ceiling/messages.js";
import { figure } from "../figures.js";
import { end, unexpectedEnd } from "../processes/child.js";
import { startHosts } from "../processes/hosts.js";
import type { Experiment } from "./experiment.js";

const PROGRAM = fileURLToPath(new URL("../ceiling/ceiling-main.js", import.meta.url));

/** The raw batched stream: the same messages between the same two programs, with nothing behind them. */
export const ceiling: Experiment = {
  figures: ["ceiling_leases_per_s"],
  run: async ({ quick }) => {
    const child = fork(PROGRAM);
    const ended = unexpectedEnd(child, "raw server", () => "see above");
    const next = (): Promise<FromCeiling> =>
      Promise.race([new Promise<FromCeiling>((resolve) => child.once("message", resolve)), ended]);
    const completed = async (): Promise<number> => {
      const answer = next();
      child.send("completed?");
      const message = await answer;
      return message.type === "completed" ? message.completed : 0;
    };
    try {
      const listening = await next();
      if (listening.type !== "listening") throw new Error("the raw server did not say its address");
      const hosts = await startHosts({ address: listening.address, hosts: 1, slots: 1_000, workflows: ["one"] });
      try {
        await delay(quick ? 1_000 : 2_000);
        const [from, begun] = [await completed(), performance.now()];
        await delay(quick ? 1_000 : 3_000);
        const rate = ((await completed()) - from) / ((performance.now() - begun) / 1_000);
        await hosts.tally();
        return [figure("ceiling_leases_per_s", rate)];
      } finally {
        await hosts.stop();
      }
    } finally {
      await end(child);
    }
  },
};
