// The workflow of hello.ts, served to a scheduler that runs elsewhere: `npm run example -- remote-host grpc://127.0.0.1:7233`
// with the address of `npx cloaca server`. Without an address, this program has a scheduler of its own to talk to.
import { Client, DefaultRunner, Host, workflow } from "cloaca";

export const hello = workflow<{ name: string }>("hello", ({ task }) => {
  const greet = task({ id: "greet" }, (context) => ({ greeting: `hello, ${context.get("name")}` }));

  task({ id: "shout", dependencies: [greet] }, async (context, handle) => {
    const quiet = Date.now() + 500;
    await handle.deferUntil(() => Date.now() > quiet, 50); // other tasks run in this slot meanwhile
    return { greeting: `${context.get("greeting").toUpperCase()}!` };
  });
});

await using scheduler = new DefaultRunner("memory:");
const url = process.argv[2] ?? (await scheduler.address());

// These two lines are the difference. A host serves until it is told to stop.
const host = new Host({ url, slots: 8, hostId: "remote" }).register(hello);
const served = host.run();
await host.ready();

// Whoever has the address can start runs, from any process.
const client = new Client({ url });
const { runId, context } = await client.execute(hello, { name: "remote world" });
console.log(context.get<string>("greeting"));
for (const { task, hostId } of await client.tasks(runId)) console.log(`${task} ran at ${hostId}`);
client.close();
await host.drain();
await served;
