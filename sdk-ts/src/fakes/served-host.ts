import { Host } from "../runner/host.js";
import type { ResolvedTask } from "../task/definition.js";
import { plainWorkflow } from "./plain-workflow.js";
import { signal } from "./signal.js";

/** A host that runs, and what it tells of the connections that it lost. */
export interface ServedHost {
  readonly host: Host;
  readonly ended: Promise<void>;
  /** Resolves when the host tells its log of a lost connection. */
  readonly lost: Promise<Readonly<Record<string, unknown>>>;
  /** All that it told its log of lost connections. */
  readonly losses: readonly Readonly<Record<string, unknown>>[];
}

/** Runs a host with the code of a workflow `work`. */
export function serveHost(
  address: string,
  tasks: Readonly<Record<string, ResolvedTask["fn"]>>,
  drainGraceMs = 60_000,
): ServedHost {
  const away = signal<Readonly<Record<string, unknown>>>();
  const losses: Readonly<Record<string, unknown>>[] = [];
  const host = new Host({
    url: `grpc://${address}`,
    hostId: "host",
    drainGraceMs,
    log: {
      info: () => {},
      warn: (message, fields) => {
        if (message !== "host_disconnected") return;
        losses.push(fields);
        away.fire(fields);
      },
    },
  }).register(plainWorkflow("work", tasks));
  const ended = host.run({ handleSignals: false });
  ended.catch(() => {});
  return { host, ended, lost: away.fired, losses };
}
