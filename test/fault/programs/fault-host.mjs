// A host of the fault tests. Each execution says that it begins, and writes into the fenced store of its parent.
// Usage: fork fault-host.mjs with { address, hostId, slots } as JSON; see test/support/fault-host.ts for what both say.
import { Host, workflow } from "@cloaca/sdk";

const { address, hostId, slots } = JSON.parse(process.argv[2] ?? "");

/** @typedef {import("@cloaca/sdk").TaskHandle} TaskHandle */

/** Who waits for the answer to a write. @type {Map<string, (verdict: string) => void>} */
const writes = new Map();
/** How often it was told to release what waits. */
let releases = 0;
/** Tasks that wait for the next time. @type {Set<() => void>} */
const waiting = new Set();
const say = (/** @type {object} */ message) => process.send?.(message);

process.on("message", (/** @type {any} */ message) => {
  if (message.type === "release") {
    releases++;
    for (const go of waiting) go();
    waiting.clear();
  }
  if (message.type === "verdict") {
    writes.get(message.leaseId)?.(message.verdict);
    writes.delete(message.leaseId);
  }
});
process.on("disconnect", () => process.exit(0));

/** @param {string} task @param {TaskHandle} handle */
function begin(task, { leaseId, signal }) {
  say({ type: "executes", task, leaseId });
  signal.addEventListener("abort", () => say({ type: "aborted", leaseId, reason: signal.reason.reason }));
}

/** The effect of a task: one write downstream, answered. @param {TaskHandle} handle */
async function effect({ leaseId }) {
  const verdict = await new Promise((resolve) => {
    writes.set(leaseId, resolve);
    say({ type: "writes", leaseId });
  });
  return { [`by_${leaseId.split(".")[1]}`]: verdict };
}

const load = workflow("load", ({ task }) => {
  const write =
    (/** @type {string} */ id) => async (/** @type {unknown} */ _context, /** @type {TaskHandle} */ handle) => {
      begin(id, handle);
      return effect(handle);
    };
  const first = task({ id: "first" }, write("first"));
  const left = task({ id: "left", dependencies: [first] }, write("left"));
  const right = task({ id: "right", dependencies: [first] }, write("right"));
  const wait = task({ id: "wait", dependencies: [left, right] }, async (_context, handle) => {
    begin("wait", handle);
    let polls = 0;
    await handle.deferUntil(() => ++polls > 1, { pollIntervalMs: 20, describe: "a second look" });
    return effect(handle);
  });
  task({ id: "last", dependencies: [wait] }, write("last"));
});

/** Holds its slot until it is released; then it writes, whoever it may belong to by then. */
const hold = workflow("hold", ({ task }) => {
  task({ id: "hold" }, async (_context, handle) => {
    begin("hold", handle);
    await new Promise((resolve) => waiting.add(() => resolve(undefined)));
    return effect(handle);
  });
});

/** The same without its slot. */
const park = workflow("park", ({ task }) => {
  task({ id: "park" }, async (context, handle) => {
    begin("park", handle);
    const before = releases;
    const pollIntervalMs = Number(context.get("poll", 50));
    await handle.deferUntil(() => releases > before, { pollIntervalMs, describe: "to be released" });
    return effect(handle);
  });
});

const compute = workflow("compute", ({ task }) => {
  task({ id: "compute" }, (context, handle) => {
    begin("compute", handle);
    const end = performance.now() + Number(context.get("ms"));
    while (performance.now() < end) Math.sqrt(end);
    return effect(handle);
  });
});

/** Gives back as many characters as it is asked for. */
const echo = workflow("echo", ({ task }) => {
  task({ id: "echo" }, (context, handle) => {
    begin("echo", handle);
    return { echo: "x".repeat(Number(context.get("length"))) };
  });
});

const log = {
  info: (/** @type {string} */ event, /** @type {object} */ fields) => say({ type: "log", event, fields }),
  warn: (/** @type {string} */ event, /** @type {object} */ fields) => say({ type: "log", event, fields }),
};
const host = new Host({ url: address, hostId, slots, log });
for (const brought of [load, hold, park, compute, echo]) host.register(brought);
const served = host.run();
await host.ready();
say({ type: "ready" });
await served;
process.disconnect();
