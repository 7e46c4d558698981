// Starts runs of `load` idempotently, whatever becomes of the scheduler, and follows the log for their ends.
// Usage: fork load-client.mjs with { address, window } as JSON; "stop" lets it wait for the runs that are open, then it reports.
import { setTimeout as delay } from "node:timers/promises";
import { Client, RemoteError } from "@cloaca/sdk";

const { address, window } = JSON.parse(process.argv[2] ?? "");
const client = new Client({ url: address, callTimeoutMs: 3_000 });
const ENDS = /** @type {const} */ (["RUN_SUCCEEDED", "RUN_FAILED", "RUN_CANCELLED"]);
/** An answer that another try would not change. */
const FINAL = new Set(["REQUEST_INVALID", "REQUEST_ID_CONFLICT", "WORKFLOW_NOT_FOUND", "CONTEXT_TOO_LARGE"]);

let isStopped = false;
/** Ids of runs whose start was acknowledged. @type {Set<string>} */
const acknowledged = new Set();
/** Ends that the log has told. @type {Set<string>} */
const ended = new Set();
/** @type {string[]} */
const problems = [];
let starts = 0;
let repeated = 0;
let wake = () => {};

process.on("message", () => {
  isStopped = true;
  wake();
});
process.on("disconnect", () => process.exit(0));

await Promise.all([follow(), ...Array.from({ length: 200 }, startRuns)]);
client.close();
const report = { type: "report", acknowledged: [...acknowledged], ended: ended.size, starts, repeated, problems };
// A long one is written bit by bit, and lost with the channel before it is.
process.send?.(report, () => process.disconnect());

async function startRuns() {
  while (!isStopped) {
    if (acknowledged.size - ended.size >= window) {
      await new Promise((resolve) => {
        const before = wake;
        wake = () => {
          before();
          resolve(undefined);
        };
      });
      continue;
    }
    const n = ++starts;
    const requestId = `load-${n}`;
    const runId = await start(requestId);
    if (acknowledged.has(runId)) problems.push(`${requestId} was given run ${runId}, which is another's`);
    acknowledged.add(runId);
    // Now and then a client that has not understood its answer.
    if (n % 10 !== 0) continue;
    repeated++;
    const again = await start(requestId);
    if (again !== runId) problems.push(`${requestId} started ${runId} and, said again, ${again}`);
  }
}

/** Asks until it is answered. @param {string} requestId @returns {Promise<string>} */
async function start(requestId) {
  for (;;) {
    try {
      return (await client.start("load", {}, { requestId })).runId;
    } catch (error) {
      if (error instanceof RemoteError && FINAL.has(error.code)) throw error;
      await delay(50);
    }
  }
}

/** Follows the log of all runs from a cursor, through every restart. */
async function follow() {
  let cursor = "";
  while (!isStopped || acknowledged.size > ended.size) {
    const over = new AbortController();
    try {
      const query = cursor === "" ? { fromStart: true } : { cursor };
      for await (const page of client.watch({ types: ENDS, ...query }, over.signal)) {
        cursor = page.cursor;
        for (const { runId, type } of page.events) {
          if (type !== "RUN_SUCCEEDED") problems.push(`${runId}: ${type}`);
          if (ended.has(runId)) problems.push(`the end of ${runId} was told twice`);
          ended.add(runId);
        }
        const woken = wake;
        wake = () => {};
        woken();
        if (isStopped && acknowledged.size <= ended.size) break;
      }
    } catch {
      await delay(50);
    } finally {
      over.abort();
    }
  }
}
