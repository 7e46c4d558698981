import { chain, fanOut, ONE_TASK } from "../client/workflows.js";
import { type Figure, figure } from "../figures.js";
import { type Experiment, type ExperimentOptions, runsPerSecond, withBench } from "./experiment.js";

const STEPS = 10;
const WIDTH = 1_000;
/** Slots of a host that is never short of them. */
const MANY = 1_000;

export const oneTaskRuns: Experiment = {
  figures: ["one_task_runs_per_s"],
  run: async (options) => {
    const load = { run: { workflow: "one" }, batch: 500, window: 3_000 };
    const rate = await withBench(options, { workflows: [ONE_TASK], slots: MANY }, ({ client }) =>
      runsPerSecond(client, load, ...times(options)),
    );
    return [figure("one_task_runs_per_s", rate)];
  },
};

export const chains: Experiment = {
  figures: ["chain_tasks_per_s"],
  run: async (options) => {
    const load = { run: { workflow: "chain" }, batch: 200, window: 1_200 };
    const rate = await withBench(options, { workflows: [chain(STEPS)], slots: MANY }, ({ client }) =>
      runsPerSecond(client, load, ...times(options)),
    );
    return [figure("chain_tasks_per_s", rate * STEPS)];
  },
};

export const fanOuts: Experiment = {
  figures: ["fanout_tasks_per_s"],
  run: async (options) => {
    const load = { run: { workflow: "fan_out" }, batch: 2, window: 6 };
    const rate = await withBench(options, { workflows: [fanOut(WIDTH)], slots: MANY }, ({ client }) =>
      runsPerSecond(client, load, ...times(options)),
    );
    return [figure("fanout_tasks_per_s", rate * (WIDTH + 2))];
  },
};

/** Eight slots: what counts is how fast a slot that came back is given out again. */
export const eightSlots: Experiment = {
  figures: ["eight_slot_tasks_per_s"],
  run: async (options) => {
    const load = { run: { workflow: "one" }, batch: 200, window: 1_000 };
    const rate = await withBench(options, { workflows: [ONE_TASK], slots: 8 }, ({ client }) =>
      runsPerSecond(client, load, ...times(options)),
    );
    return [figure("eight_slot_tasks_per_s", rate)];
  },
};

/** One call a run, 64 callers at once; a host executes what is started. */
export const unaryStarts: Experiment = {
  figures: ["unary_starts_per_s"],
  run: (options) =>
    withBench(options, { workflows: [ONE_TASK], slots: MANY }, async ({ client }): Promise<Figure[]> => {
      const [warmUpMs, measuredMs] = times(options);
      let started = 0;
      let isOver = false;
      const caller = async (): Promise<void> => {
        while (!isOver) {
          await client.start({ workflow: "one" });
          started++;
        }
      };
      const callers = Promise.all(Array.from({ length: 64 }, caller));
      await Promise.race([pause(warmUpMs), callers]);
      const [from, begun] = [started, performance.now()];
      await Promise.race([pause(measuredMs), callers]);
      const rate = (started - from) / ((performance.now() - begun) / 1_000);
      isOver = true;
      await callers;
      await client.untilFinished("one", started);
      return [figure("unary_starts_per_s", rate)];
    }),
};

/** Warm-up and measured time, in milliseconds. */
function times({ quick }: ExperimentOptions): [number, number] {
  return quick ? [1_000, 1_500] : [3_000, 6_000];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
