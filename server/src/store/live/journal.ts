import type { Graph, Run, RunStatus, TaskRun } from "../../core/model.js";
import type { SessionRecord } from "../../core/session.js";
import type { EventChunk, EventPage, EventQuery } from "../store.js";
import type { LiveRun } from "./live-run.js";

/** A version of a workflow, and when it was first registered. */
export interface RegisteredGraph {
  readonly namespace: string;
  readonly graph: Graph;
  readonly registeredAt: number;
}

/** What people have said about a workflow. */
export interface WorkflowSettings {
  readonly namespace: string;
  readonly workflow: string;
  readonly paused: boolean;
  /** Version that is current; empty means the newest. */
  readonly promoted: string;
}

/** What one turn changed. */
export interface WriteSet {
  readonly workflows: readonly RegisteredGraph[];
  readonly workflowSettings: readonly WorkflowSettings[];
  readonly sessions: readonly SessionRecord[];
  readonly endedSessions: readonly string[];
  /** Each tells its changes: `before`, `runBefore`, `isNew`, and its `events` with their `position`. */
  readonly runs: readonly LiveRun[];
  /** The events of all of them, as they are told. */
  readonly chunks: readonly EventChunk[];
  readonly purge: PurgeWrites | null;
}

/** What a step of purging does. */
export interface PurgeWrites {
  /** Runs that are gone from now on for whoever reads; their rows may follow later. */
  readonly runs: readonly FinishedRun[];
  /** Most rows to remove, of these runs and of those before; a row counts again for each 4 KiB. */
  readonly sweep: number;
  /** Last position of the log, and last number of a run, that were given out: neither is given out again. */
  readonly position: number;
  readonly runNumber: number;
  /** By the store's clock. */
  readonly at: number;
}

/** A run that has ended, and of which no fenced lease is left. */
export interface FinishedRun {
  readonly number: number;
  readonly runId: string;
  readonly namespace: string;
  readonly requestId: string;
  readonly finishedAt: number;
  /** Position of its last events. */
  readonly position: number;
  /** How many rows it counts for when it is taken away. */
  readonly cost: number;
}

/** Finished runs whose last events stand in a part of the log, in their order. */
export interface FinishedPage {
  readonly runs: readonly FinishedRun[];
  /** Where the part ends. */
  readonly position: number;
  readonly more: boolean;
}

/** A run as it was written. Task runs to which nothing had happened are left out. */
export interface StoredRun {
  readonly number: number;
  readonly run: Run;
  readonly graph: Graph;
  readonly tasks: readonly (TaskRun | undefined)[];
}

/** A run in a list, with the number that puts it in order. */
export interface ListedRun {
  readonly number: number;
  readonly run: Run;
}

/** Which runs a list is to have. */
export interface RunFilter {
  readonly namespace: string;
  /** Empty means all. */
  readonly workflow: string;
  /** None means all. */
  readonly statuses: readonly RunStatus[];
  /** Runs of this number and later ones are left out. */
  readonly before: number;
  readonly limit: number;
}

/** What a store begins with. */
export interface Snapshot {
  readonly workflows: readonly RegisteredGraph[];
  readonly workflowSettings: readonly WorkflowSettings[];
  readonly sessions: readonly SessionRecord[];
  readonly runs: readonly StoredRun[];
  /** Last position of the log, and last number of a run. */
  readonly position: number;
  readonly runNumber: number;
  readonly finishedRuns: number;
  readonly purgedRuns: number;
}

/** The durable side of a live store: takes write sets, and answers from history. */
export interface Journal {
  load(): Snapshot;
  /** All or nothing; throws when nothing was written. */
  commit(writes: WriteSet): void;
  /**
   * Brings to disk what was committed. Null when it is there; a promise while the loop may go on with other work. Throws or
   * rejects when the disk did not take it.
   */
  sync(): Promise<void> | null;
  /** Of a run that goes on, it and the next may say less than is true; see `listRuns`. */
  findRun(runId: string): StoredRun | null;
  findRequest(namespace: string, requestId: string): Run | null;
  /** Id of the purged run that the request started. */
  findPurgedRequest(namespace: string, requestId: string): string | null;
  /** Looks through `limit` chunks of the log after a position for those with which runs have finished. */
  finishedAfter(position: number, limit: number): FinishedPage;
  /** Whether rows of purged runs are left. */
  readonly isUnswept: boolean;
  /** The newest first. Of runs that go on it may say less than is true: how many events they have, or that they are RUNNING. */
  listRuns(filter: RunFilter): readonly ListedRun[];
  /** `runId` null means all runs. */
  events(query: EventQuery): EventPage;
  close(): void;
}
