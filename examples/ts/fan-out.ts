// One task, then 200 side by side in 8 slots, then one that has all their results.
import { DefaultRunner, WorkflowBuilder } from "cloaca";

const WIDTH = 200;
const ids = Array.from({ length: WIDTH }, (_, n) => `square_${n}`);

// A generated graph names its tasks by ids: types would cost more than they tell.
const builder = new WorkflowBuilder("fan_out").addTask({ id: "start" }, () => ({ base: 1 }));
ids.forEach((id, n) => {
  builder.addTask({ id, dependencies: ["start"] }, (context) => ({ [id]: (n + context.get("base", 0)) ** 2 }));
});
builder.addTask({ id: "sum", dependencies: ids }, (context) => ({
  sum: ids.reduce((sum, id) => sum + context.get(id, 0), 0),
}));

await using runner = new DefaultRunner({ url: "memory:", slots: 8 });
await runner.address(); // starts the scheduler
const started = performance.now();
const { context, runId } = await runner.execute(builder.build());
const ms = Math.round(performance.now() - started);
console.log(`the sum of the first ${WIDTH} squares is ${context.get<number>("sum")}`);

let held = 0;
let most = 0;
for await (const { events } of (await runner.client()).watch({ runId })) {
  for (const { slotDelta } of events) {
    held += slotDelta;
    most = Math.max(most, held);
  }
}
console.log(`${WIDTH + 2} tasks in ${ms} ms, at most ${most} at once`);
