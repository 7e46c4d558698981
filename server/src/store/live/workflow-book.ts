/** The registered workflows: every version, which one new runs take (P13), and which workflows are paused. */
import { CloacaError } from "../../core/errors.js";
import type { Graph } from "../../core/model.js";
import { nearest } from "../../core/nearest.js";
import { quote } from "../../core/quote.js";
import { parsePageToken } from "../page-token.js";
import type { Page, RegisteredWorkflow, RegisterWorkflow, StartRun, UpdateWorkflow, WorkflowRecord } from "../store.js";
import type { RegisteredGraph, WorkflowSettings } from "./journal.js";

interface Entry {
  readonly namespace: string;
  readonly name: string;
  /** In order of their first registration, the newest last. */
  readonly versions: RegisteredGraph[];
  settings: WorkflowSettings;
}

/** Hears of a workflow that is paused or resumed, and of a failed commit that takes that back. */
export type PauseListener = (namespace: string, workflow: string, paused: boolean) => void;

export class WorkflowBook {
  readonly #entries = new Map<string, Entry>();
  /** Registered in this turn. */
  readonly dirty: RegisteredGraph[] = [];
  /** Settings before the turn, of the workflows whose settings it changed. */
  readonly #before = new Map<Entry, WorkflowSettings>();

  constructor(readonly onPause: PauseListener) {}

  /** Versions in the order of their registration: clocks may be set back, so their times do not tell it. */
  load(versions: readonly RegisteredGraph[], settings: readonly WorkflowSettings[]): void {
    for (const version of versions) this.#append(version);
    for (const setting of settings) {
      const entry = this.#entries.get(key(setting.namespace, setting.workflow));
      if (entry !== undefined) this.#set(entry, setting);
    }
  }

  register({ namespace, graph }: RegisterWorkflow, now: number): RegisteredWorkflow {
    const name = graph.definition.name;
    const version = graph.version;
    if (this.find(namespace, name, version) !== null) return { name, version, created: false };
    const registered = { namespace, graph, registeredAt: now };
    this.#append(registered);
    this.dirty.push(registered);
    return { name, version, created: true };
  }

  /** Pauses, resumes or promotes; the version that is current then. */
  update({ namespace, workflow, paused, promote }: UpdateWorkflow): WorkflowRecord | CloacaError {
    const entry = this.#entries.get(key(namespace, workflow));
    if (entry === undefined) return this.#unknown(namespace, workflow);
    if (promote !== undefined && promote !== "" && versionOf(entry, promote) === undefined) {
      return unknownVersion(entry, promote);
    }
    if (!this.#before.has(entry)) this.#before.set(entry, entry.settings);
    const { settings } = entry;
    this.#set(entry, { ...settings, paused: paused ?? settings.paused, promoted: promote ?? settings.promoted });
    return recordOf(entry, currentOf(entry));
  }

  /** An empty version means the current one. */
  find(namespace: string, name: string, version: string): WorkflowRecord | null {
    const entry = this.#entries.get(key(namespace, name));
    if (entry === undefined) return null;
    const found = version === "" ? currentOf(entry) : versionOf(entry, version);
    return found === undefined ? null : recordOf(entry, found);
  }

  /** The graph that a new run takes. */
  resolve({ namespace, workflow, version }: StartRun): Graph | CloacaError {
    const entry = this.#entries.get(key(namespace, workflow));
    if (entry === undefined) return this.#unknown(namespace, workflow);
    const found = version === "" ? currentOf(entry) : versionOf(entry, version);
    return found === undefined ? unknownVersion(entry, version) : found.graph;
  }

  /** By name, then newest first. The token is the offset of the next page. */
  list(namespace: string, pageSize: number, pageToken: string): Page<WorkflowRecord> {
    const all: WorkflowRecord[] = [];
    for (const name of this.#names(namespace).sort()) {
      const entry = this.#entries.get(key(namespace, name));
      if (entry === undefined) continue;
      for (const version of entry.versions.toReversed()) all.push(recordOf(entry, version));
    }
    const from = pageToken === "" ? 0 : parsePageToken(pageToken);
    const next = from + pageSize;
    return { items: all.slice(from, next), nextPageToken: next < all.length ? String(next) : "" };
  }

  /** Settings that the turn changed. */
  dirtySettings(): WorkflowSettings[] {
    return [...this.#before.keys()].map((entry) => entry.settings);
  }

  settle(): void {
    this.dirty.length = 0;
    this.#before.clear();
  }

  rollBack(): void {
    for (const [entry, settings] of this.#before) this.#set(entry, settings);
    for (const { namespace, graph } of this.dirty) {
      const at = key(namespace, graph.definition.name);
      const entry = this.#entries.get(at);
      entry?.versions.pop();
      if (entry?.versions.length === 0) this.#entries.delete(at);
    }
    this.settle();
  }

  #set(entry: Entry, settings: WorkflowSettings): void {
    const changed = entry.settings.paused !== settings.paused;
    entry.settings = settings;
    if (changed) this.onPause(entry.namespace, entry.name, settings.paused);
  }

  #append(registered: RegisteredGraph): void {
    const { namespace, graph } = registered;
    const { name } = graph.definition;
    const known = this.#entries.get(key(namespace, name));
    if (known !== undefined) {
      known.versions.push(registered);
      return;
    }
    const settings = { namespace, workflow: name, paused: false, promoted: "" };
    this.#entries.set(key(namespace, name), { namespace, name, versions: [registered], settings });
  }

  #names(namespace: string): string[] {
    return [...this.#entries.values()].filter((entry) => entry.namespace === namespace).map(({ name }) => name);
  }

  #unknown(namespace: string, workflow: string): CloacaError {
    const near = nearest(workflow, this.#names(namespace));
    const hint = near === null ? "register it first, or start a host that brings it" : `did you mean "${near}"?`;
    return new CloacaError(
      "WORKFLOW_NOT_FOUND",
      `namespace ${quote(namespace)} has no workflow ${quote(workflow)}; ${hint}`,
    );
  }
}

function versionOf(entry: Entry, version: string): RegisteredGraph | undefined {
  return entry.versions.find((v) => v.graph.version === version);
}

function unknownVersion({ name, versions }: Entry, version: string): CloacaError {
  const known = versions.map((v) => v.graph.version).join(", ");
  return new CloacaError(
    "WORKFLOW_VERSION_NOT_FOUND",
    `workflow ${quote(name)} has no version ${quote(version)}; it has ${known}`,
  );
}

/** P13: the promoted version, or else the one whose first registration is newest. */
function currentOf(entry: Entry): RegisteredGraph {
  const { promoted } = entry.settings;
  const current = (promoted === "" ? undefined : versionOf(entry, promoted)) ?? entry.versions.at(-1);
  if (current === undefined) throw new Error(`workflow ${entry.name} has no version`);
  return current;
}

function recordOf(entry: Entry, version: RegisteredGraph): WorkflowRecord {
  const { paused, promoted } = entry.settings;
  return { ...version, current: currentOf(entry) === version, promoted: promoted === version.graph.version, paused };
}

function key(namespace: string, name: string): string {
  return `${namespace}\n${name}`;
}
