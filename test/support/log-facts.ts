/** What a whole event log says about the executions of each task run. */
import type { Client, RunEventInfo } from "cloaca";
import { fenceOf, taskRunOf } from "./fenced-store.js";

export interface TaskRunFacts {
  /** Fences of its leases, in their order. */
  readonly leased: number[];
  /** Fences of the results that were accepted. */
  readonly succeeded: number[];
  /** Hosts that were lost with it. */
  readonly lostWith: string[];
  readonly declined: number[];
}

export interface LogFacts {
  readonly started: readonly string[];
  /** Events that ended a run, by its id. */
  readonly ends: ReadonlyMap<string, readonly RunEventInfo["type"][]>;
  /** By `<run>.<task index>`. */
  readonly taskRuns: ReadonlyMap<string, TaskRunFacts>;
  readonly events: number;
}

/** Reads the log of all runs, to where it is now. */
export async function logFacts(client: Client): Promise<LogFacts> {
  const started: string[] = [];
  const ends = new Map<string, RunEventInfo["type"][]>();
  const taskRuns = new Map<string, TaskRunFacts>();
  let events = 0;
  const factsOf = (leaseId: string): TaskRunFacts => {
    const key = taskRunOf(leaseId);
    const facts = taskRuns.get(key) ?? { leased: [], succeeded: [], lostWith: [], declined: [] };
    taskRuns.set(key, facts);
    return facts;
  };
  for await (const page of client.watch({ fromStart: true, untilEnd: true })) {
    events += page.events.length;
    for (const { type, runId, leaseId, hostId } of page.events) {
      if (type === "RUN_STARTED") started.push(runId);
      else if (type === "RUN_SUCCEEDED" || type === "RUN_FAILED" || type === "RUN_CANCELLED") {
        ends.set(runId, [...(ends.get(runId) ?? []), type]);
      } else if (type === "TASK_LEASED") factsOf(leaseId).leased.push(fenceOf(leaseId));
      else if (type === "TASK_SUCCEEDED") factsOf(leaseId).succeeded.push(fenceOf(leaseId));
      else if (type === "TASK_LOST") factsOf(leaseId).lostWith.push(hostId);
      else if (type === "TASK_DECLINED") factsOf(leaseId).declined.push(fenceOf(leaseId));
    }
  }
  return { started, ends, taskRuns, events };
}
