// A thousand hosts in one process: sessions, connections and backoff of the SDK, without the thread that each `Host` has.
// Usage: fork many-hosts.mjs with { address, hosts } as JSON; "release" lets their tasks go on.

import { workflow } from "@cloaca/sdk";
import { Backoff } from "../../../sdk-ts/dist/runner/backoff.js";
import { CodeBook } from "../../../sdk-ts/dist/runner/code-book.js";
import { HostConnection, WELCOME_TIMEOUT_MS } from "../../../sdk-ts/dist/runner/connection.js";
import { HostSession } from "../../../sdk-ts/dist/runner/session.js";

const { address, hosts } = JSON.parse(process.argv[2] ?? "");
const log = { info() {}, warn() {} };
let release = () => {};
const released = new Promise((resolve) => {
  release = () => resolve(undefined);
});
process.on("message", () => release());
process.on("disconnect", () => process.exit(0));

const many = workflow("many", ({ task }) => {
  task({ id: "hold" }, async () => {
    process.send?.({ type: "executes" });
    await released;
  });
});

for (let n = 0; n < hosts; n++) void serve(`many-${n}`);

/** What `Host` does: dials, serves, waits, for ever. @param {string} hostId */
async function serve(hostId) {
  const code = new CodeBook();
  code.bring(many);
  const session = new HostSession({
    ...{ namespace: "", hostId, instanceId: `${hostId}-instance-${process.pid}`, buildId: "", slots: 1, maxLeases: 0 },
    ...{ labels: {}, log, changed() {} },
    offer: (maxMessageBytes) => code.offer(maxMessageBytes),
    find: (lease) => code.find(lease),
    registered: (definitions, workflows) => code.registered(definitions, workflows),
  });
  const backoff = new Backoff();
  let ttlMs = Number.POSITIVE_INFINITY;
  for (;;) {
    const dialledAt = nowMs();
    const connection = new HostConnection(
      address,
      session,
      {
        welcomed: (welcome) => {
          const { resumed } = welcome;
          ttlMs = welcome.ttlMs;
          process.send?.({ type: "welcomed", resumed, dialledAt, at: nowMs() });
        },
        drain() {},
      },
      Math.min(WELCOME_TIMEOUT_MS, ttlMs / 3),
    );
    const outcome = await connection.outcome;
    if (outcome.type === "retryable" && outcome.wasOfUse) backoff.reset();
    const waitMs = backoff.next(ttlMs / 3);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

/** The same in all processes of the machine. */
function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
