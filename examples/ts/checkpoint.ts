// What a checkpoint has committed stays: a host that goes away in mid-task hands the task to another, which carries on.
import { Client, DefaultRunner, Host, workflow } from "cloaca";

let isSecondHostThere = false;

const pages = workflow("pages", ({ task }) => {
  task({ id: "read_pages" }, async (context, handle) => {
    for (let page = context.get("next", 1); page <= 6; page++) {
      console.log(`read page ${page}, lease ${handle.fence}`);
      context.set("next", page + 1);
      await handle.checkpoint();
      if (page === 3) await handle.deferUntil(() => isSecondHostThere, 20);
    }
    return { pages: 6 };
  });
});

await using scheduler = new DefaultRunner("memory:");
const url = await scheduler.address();
using client = new Client({ url });

const first = new Host({ url, hostId: "first" }).register(pages);
const firstServed = first.run();
await first.ready();
const { runId } = await client.start(pages);
for await (const { events } of client.watch({ runId })) {
  if (events.some(({ type }) => type === "TASK_DEFERRED")) break;
}
console.log("the first host goes away");
await first.drain(0); // hands back what waits, at once
await firstServed;

isSecondHostThere = true;
const second = new Host({ url, hostId: "second" }).register(pages);
const secondServed = second.run();
console.log((await client.result(runId)).context.toJSON());
for (const { task, hostId, fence, attempt } of await client.tasks(runId)) console.log({ task, hostId, fence, attempt });
await second.drain();
await secondServed;
