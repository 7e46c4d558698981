import { Client, DefaultRunner, type DefaultRunnerOptions, type RunEventInfo } from "cloaca";
import { afterAll, beforeAll, expect } from "vitest";
import { SchedulerProcess } from "./scheduler-process.js";

/** The scheduler of a file of tests, in a process of its own, which checks its books after every turn. */
export interface UsedScheduler {
  readonly url: string;
  readonly address: string;
  readonly client: Client;
  /** A host and a client, over the wire, for all tests of the file; starts with its first use. */
  readonly runner: DefaultRunner;
  /** One of its own, which is the test's to close. */
  newRunner(options?: Omit<DefaultRunnerOptions, "url">): DefaultRunner;
  /** The log of a run, to its last event. */
  log(runId: string): Promise<RunEventInfo[]>;
}

interface Running {
  readonly scheduler: SchedulerProcess;
  readonly client: Client;
  readonly runner: DefaultRunner;
}

/** Starts a scheduler before the tests of this file, and ends it after them: in order, and with its books right. */
export function useScheduler(): UsedScheduler {
  let running: Running | undefined;
  const used = () => {
    if (running === undefined) throw new Error("the scheduler runs while the tests of its file do");
    return running;
  };
  beforeAll(async () => {
    const scheduler = await SchedulerProcess.start("memory:", "--check-books");
    const url = `grpc://${scheduler.address}`;
    running = { scheduler, client: new Client({ url }), runner: new DefaultRunner(url) };
  });
  afterAll(async () => {
    const { scheduler, client, runner } = used();
    await runner.close();
    client.close();
    expect((await scheduler.end("SIGTERM")).code).toBe(0);
    expect(scheduler.logs.filter(({ event }) => event === "books_wrong" || event === "turn_failed")).toEqual([]);
  });
  return {
    get address() {
      return used().scheduler.address;
    },
    get url() {
      return `grpc://${this.address}`;
    },
    get client() {
      return used().client;
    },
    get runner() {
      return used().runner;
    },
    newRunner(options = {}) {
      return new DefaultRunner({ ...options, url: this.url });
    },
    log: (runId) => readLog(used().client, runId),
  };
}

/** The log of a run, to its last event. */
export async function readLog(client: Client, runId: string): Promise<RunEventInfo[]> {
  const log: RunEventInfo[] = [];
  for await (const { events } of client.watch({ runId })) log.push(...events);
  return log;
}

/** Resolves with the first event of a run that fits, as soon as it is there. */
export async function nextEvent(
  client: Client,
  runId: string,
  fits: (event: RunEventInfo) => boolean,
): Promise<RunEventInfo> {
  for await (const { events } of client.watch({ runId })) {
    const found = events.find(fits);
    if (found !== undefined) return found;
  }
  throw new Error(`run ${runId} ended without that event`);
}
