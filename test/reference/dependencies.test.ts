/** Dependencies: `fetch_data`, then `process_data`. */
import { type Context, task, WorkflowBuilder, workflow } from "cloaca";
import { expect, it } from "vitest";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

class Pipeline {
  /** Fetch raw data from source. */
  @task({ id: "fetch_data" })
  fetchData(context: Context) {
    const data = { raw_data: [1, 2, 3, 4, 5] };
    context.set("raw_data", data);
    return context;
  }

  /** Process the fetched data. */
  @task({ id: "process_data", dependencies: ["fetch_data"] })
  processData(context: Context) {
    const rawData = context.require<{ raw_data: number[] }>("raw_data");
    const processed = { processed_data: rawData.raw_data.map((x) => x * 2) };
    context.set("processed_data", processed);
    return context;
  }
}

it("a task gets the data of the task that it depends on", async () => {
  const { runner } = scheduler;
  const { context } = await runner.execute(new WorkflowBuilder("pipeline").addTasks(new Pipeline()).build());
  expect(context.toJSON()).toEqual({
    raw_data: { raw_data: [1, 2, 3, 4, 5] },
    processed_data: { processed_data: [2, 4, 6, 8, 10] },
  });
});

it("a task starts only once those that it depends on have completed", async () => {
  const { runner } = scheduler;
  const { runId } = await runner.execute(new WorkflowBuilder("order").addTasks(new Pipeline()).build());
  const log = await scheduler.log(runId);
  const told = log.filter(({ task }) => task !== "").map(({ type, task }) => `${type} ${task}`);
  expect(told).toEqual([
    "TASK_READY fetch_data",
    "TASK_LEASED fetch_data",
    "TASK_SUCCEEDED fetch_data",
    "TASK_READY process_data",
    "TASK_LEASED process_data",
    "TASK_SUCCEEDED process_data",
  ]);
});

it("dependencies may be tasks, so that the compiler knows what they set", async () => {
  const typed = workflow("typed", ({ task }) => {
    const fetchData = task({ id: "fetch_data" }, () => ({ raw: [1, 2, 3] }));
    task({ id: "process_data", dependencies: [fetchData] }, (context) => {
      // @ts-expect-error nobody sets this key
      context.get("rwa");
      return { doubled: context.get("raw").map((x) => x * 2) };
    });
  });
  const { runner } = scheduler;
  expect((await runner.execute(typed)).context.get<number[]>("doubled")).toEqual([2, 4, 6]);
});

it("a dependency that is not there is refused when the workflow is built, with the nearest that is", () => {
  const wrong = new WorkflowBuilder("wrong")
    .addTask({ id: "fetch_data" }, () => {})
    .addTask({ id: "process_data", dependencies: ["fetch_dta"] }, () => {});
  expect(() => wrong.build()).toThrow(/"fetch_dta".*fetch_data/);
});

it("a task that depends on one that failed is skipped, and the run fails", async () => {
  const broken = new WorkflowBuilder("broken")
    .addTask({ id: "fetch_data" }, () => {
      throw new Error("no source");
    })
    .addTask({ id: "process_data", dependencies: ["fetch_data"] }, () => {});
  const { runner } = scheduler;
  await expect(runner.execute(broken.build())).rejects.toMatchObject({
    status: "FAILED",
    tasks: [
      { task: "fetch_data", state: "FAILED", failure: { message: "no source" } },
      { task: "process_data", state: "SKIPPED" },
    ],
  });
});
