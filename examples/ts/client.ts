// Starting, watching and cancelling runs, as any process can that knows the scheduler's address.
import { setTimeout as sleep } from "node:timers/promises";
import { Client, DefaultRunner, Host, workflow } from "cloaca";

const countdown = workflow<{ from: number }>("countdown", ({ task }) => {
  const count = task({ id: "count" }, async (context, handle) => {
    await sleep(context.get("from") * 100, undefined, { signal: handle.signal }); // ends early when the task is told to stop
  });
  task({ id: "lift_off", dependencies: [count] }, () => ({ isUp: true }));
});

await using scheduler = new DefaultRunner("memory:"); // or `npx cloaca server`, and its address
const url = await scheduler.address();
const host = new Host({ url, hostId: "pad" }).register(countdown);
const served = host.run();
await host.ready();
using client = new Client({ url });

const { runId } = await client.start(countdown, { from: 3 }, { labels: { rocket: "small" } });
for await (const { events } of client.watch({ runId })) {
  for (const { eventSeq, type, task } of events) console.log(eventSeq, type, task);
}
console.log("is up:", (await client.result(runId)).context.get<boolean>("isUp"));

const second = await client.start(countdown, { from: 600 });
console.log("cancel:", await client.cancel(second.runId, "bad weather"));
const { runs } = await client.list({ workflow: "countdown" });
for (const { status, reason } of runs) console.log(status, reason);
await host.drain();
await served;
