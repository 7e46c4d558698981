// Two versions of a workflow side by side: what was begun ends with the code that it was begun with.
import { Client, DefaultRunner, Host, workflow } from "cloaca";

let isSigned = false;

const first = workflow("contract", ({ task }) => {
  const sign = task({ id: "sign" }, async (_context, handle) => {
    await handle.deferUntil(() => isSigned, { pollIntervalMs: 20, describe: "a signature" });
  });
  task({ id: "file", dependencies: [sign] }, () => ({ filed: "in a cabinet" }));
});

// The new one has another task: its graph differs, and so does its version.
const second = workflow("contract", ({ task }) => {
  const scan = task({ id: "scan" }, () => ({ pages: 3 }));
  task({ id: "file", dependencies: [scan] }, () => ({ filed: "in the archive" }));
});

await using scheduler = new DefaultRunner("memory:");
const url = await scheduler.address();
using client = new Client({ url });

const old = new Host({ url, hostId: "old" }).register(first);
const oldServed = old.run();
await old.ready();
const begun = await client.start("contract");

const next = new Host({ url, hostId: "new" }).register(second);
const nextServed = next.run();
await next.ready();
console.log("new runs:", (await client.execute("contract")).context.get<string>("filed"));

isSigned = true;
console.log("the old one:", (await client.result(begun.runId)).context.get<string>("filed"));
const { runs } = await client.list({ workflow: "contract", statuses: ["PENDING", "RUNNING", "PAUSED"] });
console.log("still open with the old version:", runs.filter((r) => r.workflowVersion === begun.workflowVersion).length);
await old.drain(); // nothing of it is left to do
await oldServed;
await next.drain();
await nextServed;
