import { afterEach, beforeEach } from "vitest";
import { Host } from "../runner/host.js";
import type { ResolvedTask } from "../task/definition.js";
import { FakeScheduler } from "./fake-scheduler.js";
import { plainWorkflow } from "./plain-workflow.js";
import { signal } from "./signal.js";

type Fields = Readonly<Record<string, unknown>>;

/** A host that runs, and what it tells of the connections that it lost. */
export interface ServedHost {
  readonly host: Host;
  readonly ended: Promise<void>;
  /** Resolves when the host tells its log of a lost connection. */
  readonly lost: Promise<Fields>;
  /** All that it told its log of lost connections. */
  readonly losses: readonly Fields[];
}

/** A scheduler for each test, and the host that the test lets it have. */
export interface HostScene {
  readonly scheduler: FakeScheduler;
  /** Runs a host with the code of a workflow `work`. It is drained after the test. */
  serve(tasks: Readonly<Record<string, ResolvedTask["fn"]>>, drainGraceMs?: number): ServedHost;
  /** Takes a host that the test has made itself: it is drained as well. */
  adopt(host: Host): Host;
}

export function hostScene(): HostScene {
  const hosts: Host[] = [];
  let scheduler: FakeScheduler | null = null;
  beforeEach(async () => {
    scheduler = await FakeScheduler.start();
  });
  afterEach(() => {
    // What a test leaves behind has nobody to wait for.
    for (const host of hosts.splice(0)) void host.drain(0).catch(() => {});
    scheduler?.stop();
  });
  return {
    get scheduler() {
      if (scheduler === null) throw new Error("there is a scheduler within a test only");
      return scheduler;
    },
    serve(tasks, drainGraceMs = 60_000) {
      const served = serveHost(this.scheduler.address, tasks, drainGraceMs);
      this.adopt(served.host);
      return served;
    },
    adopt(host) {
      hosts.push(host);
      return host;
    },
  };
}

function serveHost(
  address: string,
  tasks: Readonly<Record<string, ResolvedTask["fn"]>>,
  drainGraceMs: number,
): ServedHost {
  const away = signal<Fields>();
  const losses: Fields[] = [];
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
