/** The process of the hosts. Its only argument is `HostProcessOptions` as JSON; it lives until its parent goes. */
import type { FromHost, HostProcessOptions, ToHost } from "./messages.js";
import { RawHost } from "./raw-host.js";
import { emptyTally } from "./tally.js";

const { hosts: count, ...options } = JSON.parse(process.argv[2] ?? "") as HostProcessOptions;
const tally = emptyTally();
const begun = performance.now();
const hosts = Array.from({ length: count }, (_, n) => new RawHost({ ...options, hostId: `bench-${n}` }, tally));

const say = (message: FromHost): void => void process.send?.(message);

process.on("message", (message: ToHost) => {
  if (message.type === "resume") {
    for (const host of hosts) host.resume(message.count);
    return;
  }
  say({ type: "tally", tally });
  tally.startLatencies = [];
  tally.resumeLatencies = [];
});
process.on("disconnect", () => process.exit(0));

Promise.all(hosts.map((host) => host.welcomed)).then(
  () => say({ type: "connected", connectMs: performance.now() - begun }),
  (error: unknown) => say({ type: "failed", message: String(error) }),
);
