/** The registered workflows: every version, and which one new runs take (P13). */
import { CloacaError } from "../../core/errors.js";
import type { Graph } from "../../core/model.js";
import { nearest } from "../../core/nearest.js";
import { parsePageToken } from "../page-token.js";
import type { Page, RegisteredWorkflow, RegisterWorkflow, StartRun, WorkflowRecord } from "../store.js";

export class WorkflowBook {
  /** By namespace and name; versions in order of their first registration, the newest last. */
  readonly #versions = new Map<string, WorkflowRecord[]>();
  /** Registered in this turn. */
  readonly dirty: WorkflowRecord[] = [];

  /** Records in the order of their registration: clocks may be set back, so their times do not tell it. */
  load(records: readonly WorkflowRecord[]): void {
    for (const record of records) this.#append(record);
  }

  register({ namespace, graph }: RegisterWorkflow, now: number): RegisteredWorkflow {
    const name = graph.definition.name;
    const version = graph.version;
    if (this.#find(namespace, name, version) !== undefined) return { name, version, created: false };
    const record = { namespace, graph, registeredAt: now, current: true };
    this.#append(record);
    this.dirty.push(record);
    return { name, version, created: true };
  }

  find(namespace: string, name: string, version: string): WorkflowRecord | null {
    const record = this.#find(namespace, name, version);
    return record === undefined
      ? null
      : { ...record, current: this.#versions.get(key(namespace, name))?.at(-1) === record };
  }

  /** The graph that a new run takes. */
  resolve({ namespace, workflow, version }: StartRun): Graph | CloacaError {
    const found = this.#find(namespace, workflow, version);
    if (found !== undefined) return found.graph;
    const versions = this.#versions.get(key(namespace, workflow));
    if (versions !== undefined) {
      const known = versions.map((v) => v.graph.version).join(", ");
      return new CloacaError(
        "WORKFLOW_VERSION_NOT_FOUND",
        `workflow "${workflow}" has no version "${version}"; it has ${known}`,
      );
    }
    return new CloacaError("WORKFLOW_NOT_FOUND", unknownWorkflow(namespace, workflow, this.#names(namespace)));
  }

  /** By name, then newest first. The token is the offset of the next page. */
  list(namespace: string, pageSize: number, pageToken: string): Page<WorkflowRecord> {
    const all: WorkflowRecord[] = [];
    for (const name of this.#names(namespace).sort()) {
      const versions = this.#versions.get(key(namespace, name)) ?? [];
      const current = versions.at(-1);
      for (const record of versions.toReversed()) all.push({ ...record, current: record === current });
    }
    const from = pageToken === "" ? 0 : parsePageToken(pageToken);
    const next = from + pageSize;
    return { items: all.slice(from, next), nextPageToken: next < all.length ? String(next) : "" };
  }

  settle(): void {
    this.dirty.length = 0;
  }

  rollBack(): void {
    for (const record of this.dirty) {
      const at = key(record.namespace, record.graph.definition.name);
      const versions = this.#versions.get(at);
      versions?.pop();
      if (versions?.length === 0) this.#versions.delete(at);
    }
    this.dirty.length = 0;
  }

  #append(record: WorkflowRecord): void {
    const at = key(record.namespace, record.graph.definition.name);
    const versions = this.#versions.get(at);
    if (versions === undefined) this.#versions.set(at, [record]);
    else versions.push(record);
  }

  #find(namespace: string, name: string, version: string): WorkflowRecord | undefined {
    const versions = this.#versions.get(key(namespace, name));
    return version === "" ? versions?.at(-1) : versions?.find((v) => v.graph.version === version);
  }

  #names(namespace: string): string[] {
    const names: string[] = [];
    for (const at of this.#versions.keys()) {
      if (at.startsWith(`${namespace}\n`)) names.push(at.slice(namespace.length + 1));
    }
    return names;
  }
}

function unknownWorkflow(namespace: string, workflow: string, names: readonly string[]): string {
  const near = nearest(workflow, names);
  const hint = near === null ? "register it first, or start a host that brings it" : `did you mean "${near}"?`;
  return `namespace "${namespace}" has no workflow "${workflow}"; ${hint}`;
}

function key(namespace: string, name: string): string {
  return `${namespace}\n${name}`;
}
