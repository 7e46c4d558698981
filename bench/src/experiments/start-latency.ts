import { setTimeout as delay } from "node:timers/promises";
import { ONE_TASK } from "../client/workflows.js";
import { figure } from "../figures.js";
import { STARTED_AT } from "../host/raw-host.js";
import { percentile } from "../statistics.js";
import { monotonicMs } from "../wire/monotonic.js";
import { type Experiment, withBench } from "./experiment.js";

const EVERY_MS = 10;

/** From the call of StartRun until the host has the lease, at 100 runs a second, whether or not earlier ones are done. */
export const startLatency: Experiment = {
  figures: ["start_latency_p50_ms", "start_latency_p99_ms"],
  run: (options) =>
    withBench(options, { workflows: [ONE_TASK], slots: 100 }, async ({ client, hosts }) => {
      const warmUp = options.quick ? 100 : 300;
      const runs = warmUp + (options.quick ? 200 : 1_000);
      const calls: Promise<void>[] = [];
      const begun = performance.now();
      for (let n = 0; n < runs; n++) {
        await delay(Math.max(0, begun + n * EVERY_MS - performance.now()));
        if (n === warmUp) {
          await client.untilFinished("one", n);
          await hosts.tally();
        }
        calls.push(client.start({ workflow: "one", context: { [STARTED_AT]: String(monotonicMs()) } }));
      }
      await Promise.all(calls);
      await client.untilFinished("one", runs);
      const { startLatencies } = await hosts.tally();
      if (startLatencies.length !== runs - warmUp)
        throw new Error(`${startLatencies.length} leases of ${runs - warmUp}`);
      return [
        figure("start_latency_p50_ms", percentile(startLatencies, 0.5)),
        figure("start_latency_p99_ms", percentile(startLatencies, 0.99)),
      ];
    }),
};
