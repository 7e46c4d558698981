/** The hosts' process, as the bench sees it. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromHost, HostProcessOptions, ToHost } from "../host/messages.js";
import type { HostTally } from "../host/tally.js";
import { end, unexpectedEnd } from "./child.js";

const PROGRAM = fileURLToPath(new URL("../host/host-main.js", import.meta.url));

export interface HostProcess {
  readonly pid: number;
  /** From the first host's connection to the last one's Welcome. */
  readonly connectMs: number;
  /** What its hosts have seen; latencies since the last time. Throws when a stream broke or a lease was taken away. */
  tally(): Promise<HostTally>;
  /** Makes the conditions of so many deferred tasks of each host true. */
  resume(count: number): void;
  stop(): Promise<void>;
}

/** Resolves once every host has its session. */
export async function startHosts(options: HostProcessOptions): Promise<HostProcess> {
  const child = fork(PROGRAM, [JSON.stringify(options)], { serialization: "advanced" });
  const ended = unexpectedEnd(child, "host process", () => "see above");
  let tallied: (tally: HostTally) => void = () => {};
  const connected = new Promise<number>((resolve, reject) => {
    child.on("message", (message: FromHost) => {
      if (message.type === "connected") resolve(message.connectMs);
      else if (message.type === "failed") reject(new Error(message.message));
      else tallied(message.tally);
    });
  });
  const connectMs = await Promise.race([connected, ended]);
  const say = (message: ToHost): void => void child.send(message);
  return {
    pid: child.pid ?? 0,
    connectMs,
    async tally() {
      const answer = new Promise<HostTally>((resolve) => {
        tallied = resolve;
      });
      say({ type: "tally" });
      const tally = await Promise.race([answer, ended]);
      if (tally.broken.length > 0) throw new Error(`a host heard what must not be: ${tally.broken.join("; ")}`);
      if (tally.refused > 0) throw new Error(`${tally.refused} host events were not applied`);
      return tally;
    },
    resume: (count) => say({ type: "resume", count }),
    stop: () => end(child),
  };
}
