// A host as it is deployed: its environment says where the scheduler is, it logs what happens, and SIGTERM drains it.
import { Client, DefaultRunner, Host, workflow } from "cloaca";

const resize = workflow<{ picture: string }>("resize", ({ task }) => {
  const fetch = task({ id: "fetch", retryAttempts: 3 }, (context) => ({ bytes: context.get("picture").length }));
  task({ id: "shrink", dependencies: [fetch] }, (context) => ({ bytes: Math.ceil(context.get("bytes") / 2) }));
});

// Only for this example, which has to end by itself: a scheduler where none is named, a run, and the signal.
await using scheduler = new DefaultRunner("memory:");
const url = process.env["CLOACA_URL"] ?? (await scheduler.address());

const host = new Host({
  url,
  hostId: process.env["HOST_ID"] ?? "resizer-1", // unique, and the same after a restart
  slots: 4, // tasks that may execute at once; deferred ones do not count
  buildId: "2026-11-24", // shown with the host: cloaca hosts
  labels: { zone: "a" },
  drainGraceMs: 5_000, // how long a drain waits for deferred tasks before it hands them back
  log: {
    info: (event) => console.log(`info ${event}`),
    warn: (event, fields) => console.log(`warn ${event}`, fields),
  },
}).register(resize);

const served = host.run(); // until SIGTERM or SIGINT; connects again by itself, for ever
await host.ready();

using client = new Client({ url });
const { context } = await client.execute(resize, { picture: "a cat" });
console.log(`${context.get<number>("bytes")} bytes`);
process.kill(process.pid, "SIGTERM");

await served;
console.log("the host has finished what it had");
