/** Why a task does not go on: what it waits for, in a word and in a sentence. Reads, decides nothing. */
import type { TaskRun, TaskRunState } from "../core/model.js";
import { ruleText } from "../core/rule-text.js";
import type { DecisionLimits } from "../core/run-draft.js";
import { stateWord } from "../core/state-word.js";
import { heldSoFar, isTerminal } from "../core/task-run.js";
import type { RunView, SessionView, Store } from "../store/store.js";
import { counted, list, names, span } from "./wording.js";

export type WaitReason =
  | "ENDED"
  | "DEPENDENCY"
  | "RETRY_DELAY"
  | "RUN_PAUSED"
  | "WORKFLOW_PAUSED"
  | "NO_HOST"
  | "NO_HOST_FOR_VERSION"
  | "HOSTS_DRAINING"
  | "HOSTS_DISCONNECTED"
  | "NO_FREE_SLOT"
  | "NEXT_TURN"
  | "EXECUTING"
  | "CONDITION"
  | "SLOT_TO_RESUME";

export interface Explanation {
  /** Index of the task. */
  readonly task: number;
  readonly state: TaskRunState;
  readonly reason: WaitReason;
  readonly message: string;
  /** Indexes of tasks that it waits for. */
  readonly waitingFor: readonly number[];
  /** Host ids that the reason is about. */
  readonly hosts: readonly string[];
  /** When it goes on by itself. */
  readonly until: number | null;
}

/** What explaining needs of the engine. */
export interface ExplainSource {
  readonly store: Pick<Store, "listSessions" | "readWorkflow">;
  readonly options: {
    readonly clock: { now(): number };
    readonly limits: Pick<DecisionLimits, "maxLossesHeld" | "maxLossesDeferred">;
  };
  readonly connections: { readonly reachable: Pick<ReadonlySet<string>, "has"> };
}

/** Explains tasks of a run, by their indexes, in that order. */
export async function explain(source: ExplainSource, view: RunView, tasks: readonly number[]): Promise<Explanation[]> {
  const { namespace, workflow } = view.run;
  const record = await source.store.readWorkflow(namespace, workflow, "");
  const scene: Scene = {
    view,
    isWorkflowPaused: record?.paused ?? false,
    sessions: source.store.listSessions(namespace),
    isReachable: (sessionId) => source.connections.reachable.has(sessionId),
    now: source.options.clock.now(),
    limits: source.options.limits,
  };
  const explanations: Explanation[] = [];
  for (const index of tasks) {
    const task = view.tasks[index];
    if (task !== undefined) explanations.push(explainTask(scene, task));
  }
  return explanations;
}

interface Scene {
  readonly view: RunView;
  readonly isWorkflowPaused: boolean;
  readonly sessions: readonly SessionView[];
  isReachable(sessionId: string): boolean;
  readonly now: number;
  readonly limits: ExplainSource["options"]["limits"];
}

type Because = Pick<Explanation, "reason" | "message"> & Partial<Pick<Explanation, "waitingFor" | "hosts" | "until">>;

function explainTask(scene: Scene, task: TaskRun): Explanation {
  const because = why(scene, task);
  const message = `${because.message}${lossNote(scene, task)}`;
  return { task: task.task, state: task.state, waitingFor: [], hosts: [], until: null, ...because, message };
}

/** A task that goes on after losses may be what kills its hosts. */
function lossNote({ limits, now }: Scene, { state, losses, lossesHeld, lossesDeferred }: TaskRun): string {
  const last = losses.at(-1);
  if (last === undefined || isTerminal(state)) return "";
  const hosts = names(losses.map(({ hostId }) => hostId));
  const parts = [
    ...(lossesHeld === 0 ? [] : [`${lossesHeld} of ${limits.maxLossesHeld} while it ran`]),
    ...(lossesDeferred === 0 ? [] : [`${lossesDeferred} of ${limits.maxLossesDeferred} while it was deferred`]),
  ];
  return `; its hosts were lost (${parts.join(", ")}; the last ${span(now - last.at)} ago): ${hosts}`;
}

function why(scene: Scene, task: TaskRun): Because {
  switch (task.state) {
    case "WAITING":
      return dependency(scene.view, task);
    case "READY":
      return ready(scene, task);
    case "RETRYING":
      return retrying(scene, task);
    case "LEASED":
      return executing(scene, task);
    case "DEFERRED":
      return deferred(scene, task);
    case "RECLAIMING":
      return reclaiming(scene, task);
    case "SUCCEEDED":
    case "FAILED":
    case "CANCELLED":
    case "SKIPPED":
      return { reason: "ENDED", message: ended(scene.view, task), hosts: lostHosts(task) };
  }
}

function ended(view: RunView, task: TaskRun): string {
  if (task.state === "FAILED") return `it failed: ${task.failure?.message ?? ""}`;
  if (task.state !== "SKIPPED") return `it has ended: ${stateWord(task.state)}`;
  const { dependencies, rule } = view.graph.tasks[task.task] ?? { dependencies: [], rule: null };
  if (rule !== null) return `it was skipped: its trigger rule did not hold: ${ruleText(rule, view.graph)}`;
  const causes = dependencies.filter((d) => view.tasks[d]?.state !== "SUCCEEDED");
  return `it was skipped: ${list(causes.map((d) => `${named(view, d)} is ${wordOf(view, d)}`))}`;
}

function wordOf({ tasks }: RunView, index: number): string {
  return stateWord(tasks[index]?.state ?? "WAITING");
}

function lostHosts({ failure }: TaskRun): string[] {
  return [...new Set(failure?.losses?.map(({ hostId }) => hostId))];
}

function dependency(view: RunView, task: TaskRun): Because {
  const { dependencies, rule } = view.graph.tasks[task.task] ?? { dependencies: [], rule: null };
  const waitingFor = dependencies.filter((d) => !isTerminal(view.tasks[d]?.state ?? "WAITING"));
  const states = waitingFor.map((d) => `${named(view, d)} (${wordOf(view, d)})`);
  const then = rule === null ? "" : `; then its trigger rule decides: ${ruleText(rule, view.graph)}`;
  return { reason: "DEPENDENCY", message: `it waits for ${list(states)}${then}`, waitingFor };
}

function retrying(scene: Scene, task: TaskRun): Because {
  const { view, now } = scene;
  const { attempt, attemptsBefore, retryAt, failure } = task;
  const until = retryAt ?? now;
  const attempts = view.graph.tasks[task.task]?.retry.attempts ?? 0;
  const message =
    `attempt ${attempt} failed (${failure?.message ?? ""}); retry ${attempt - attemptsBefore} of ${attempts} ` +
    `begins in ${span(until - now)}${pauseNote(scene)}`;
  return { reason: "RETRY_DELAY", message, until };
}

/** The time of a retry runs on while its run is paused; what it would do then does not. */
function pauseNote({ view, isWorkflowPaused }: Scene): string {
  if (view.run.status === "PAUSED") return ", but not before the run is resumed";
  return isWorkflowPaused ? ", but not before the workflow is resumed" : "";
}

function executing(scene: Scene, task: TaskRun): Because {
  const timeoutMs = scene.view.graph.tasks[task.task]?.timeoutMs ?? 0;
  const most = timeoutMs === 0 ? "" : ` of at most ${span(timeoutMs)}`;
  const message =
    `host "${task.hostId}" has executed attempt ${task.attempt} for ${span(heldSoFar(task, scene.now))}${most}` +
    connectionNote(scene, task);
  return { reason: "EXECUTING", message, hosts: [task.hostId] };
}

function deferred(scene: Scene, task: TaskRun): Because {
  const deferral = task.lease?.deferral ?? null;
  if (deferral === null) return { reason: "CONDITION", message: "it is deferred" };
  const what = deferral.description === "" ? "its condition" : `"${deferral.description}"`;
  const until = deferral.maxWaitMs === 0 ? null : deferral.deferredAt + deferral.maxWaitMs;
  const limit = until === null ? "" : `, at the longest for another ${span(until - scene.now)}`;
  const message =
    `host "${task.hostId}" polls ${what} every ${span(deferral.pollIntervalMs)}, ` +
    `for ${span(scene.now - deferral.deferredAt)} so far${limit}${connectionNote(scene, task)}`;
  return { reason: "CONDITION", message, hosts: [task.hostId], until };
}

function reclaiming(scene: Scene, task: TaskRun): Because {
  const session = scene.sessions.find((s) => s.session.id === task.lease?.sessionId);
  const since = task.lease?.deferral?.reclaimedAt ?? scene.now;
  const slots = session === undefined ? "" : `; ${slotsText(session)}`;
  const message =
    `its condition holds, and it has waited ${span(scene.now - since)} for a slot of host "${task.hostId}"` +
    `${slots}${connectionNote(scene, task)}`;
  return { reason: "SLOT_TO_RESUME", message, hosts: [task.hostId] };
}

function ready(scene: Scene, task: TaskRun): Because {
  const { view } = scene;
  const { run } = view;
  if (run.status === "PAUSED") {
    const why = run.reason === "" ? "" : ` (${run.reason})`;
    return { reason: "RUN_PAUSED", message: `the run is paused${why}; resume it` };
  }
  if (scene.isWorkflowPaused) {
    return { reason: "WORKFLOW_PAUSED", message: `workflow "${run.workflow}" is paused; resume it` };
  }
  const { exact, any, other } = servers(scene, task);
  const candidates = exact.length > 0 ? exact : any;
  if (candidates.length === 0) return unserved(view, task, other);
  const willing = candidates.filter(
    ({ session }) => !task.declinedBy.includes(session.id) && !session.draining && session.spec.slots > 0,
  );
  const hosts = candidates.map(hostOf);
  if (willing.length === 0) {
    const message = `no host for it takes new work: ${list(candidates.map((host) => unwilling(host, task)))}; start another`;
    return { reason: "HOSTS_DRAINING", message, hosts };
  }
  const connected = willing.filter((s) => scene.isReachable(s.session.id));
  if (connected.length === 0) {
    const away = willing.map(hostOf);
    const message = `no host for it is connected: ${names(away)}; it goes on when one connects again, or another starts`;
    return { reason: "HOSTS_DISCONNECTED", message, hosts: away };
  }
  const free = connected.filter(hasRoom);
  if (free.length > 0) {
    const there = free.map(hostOf);
    return { reason: "NEXT_TURN", message: `it is about to be leased to ${names(there)}`, hosts: there };
  }
  const busy = connected.map(hostOf);
  const books = connected.slice(0, 3).map((host) => `${slotsText(host)}${limitNote(host)}`);
  const more = connected.length > 3 ? `, and ${connected.length - 3} more hosts` : "";
  return { reason: "NO_FREE_SLOT", message: `no slot is free for it: ${books.join("; ")}${more}`, hosts: busy };
}

function unwilling(host: SessionView, task: TaskRun): string {
  const { session } = host;
  if (session.draining) return `host "${hostOf(host)}" drains`;
  return `host "${hostOf(host)}" ${task.declinedBy.includes(session.id) ? "has declined it" : "offers no slots"}`;
}

function unserved(view: RunView, task: TaskRun, other: readonly SessionView[]): Because {
  const { workflow, version } = view.run;
  const name = named(view, task.task);
  if (other.length === 0) {
    const message = `no host that is alive has code for ${name} of workflow "${workflow}"; start one that has`;
    return { reason: "NO_HOST", message };
  }
  const hosts = other.map(hostOf);
  const message =
    `the run is pinned to version ${version} of workflow "${workflow}", and hosts have code for ${name} ` +
    `in other versions only: ${names(hosts)}; start one that brings that version`;
  return { reason: "NO_HOST_FOR_VERSION", message, hosts };
}

/** Sessions by how they serve a task: its very version, any version, or another one (P13). */
function servers({ view, sessions }: Scene, task: TaskRun) {
  const id = view.graph.tasks[task.task]?.id ?? "";
  const exact: SessionView[] = [];
  const any: SessionView[] = [];
  const other: SessionView[] = [];
  for (const session of sessions) {
    const serving = session.session.spec.implementations.filter(
      ({ workflow, tasks }) => workflow === view.run.workflow && (tasks === null || tasks.includes(id)),
    );
    if (serving.some(({ version }) => version === view.run.version)) exact.push(session);
    else if (serving.some(({ version }) => version === null)) any.push(session);
    else if (serving.length > 0) other.push(session);
  }
  return { exact: exact.some((s) => !s.session.draining) || any.length === 0 ? exact : [], any, other };
}

function hasRoom(view: SessionView): boolean {
  const { session, held, leases } = view;
  const reclaims = leases.some((lease) => !lease.ending && lease.state === "RECLAIMING");
  return held < session.spec.slots && !reclaims && !hasAllLeases(view);
}

/** P2: it has as many leases as it takes; a fenced one counts until its host has stopped it. */
function hasAllLeases({ session, leases }: SessionView): boolean {
  const { maxLeases } = session.spec;
  return maxLeases > 0 && leases.length >= maxLeases;
}

function slotsText(view: SessionView): string {
  const { session, held, leases } = view;
  const ending = leases.filter((lease) => lease.ending).length;
  const text = `host "${hostOf(view)}" holds ${held} of ${counted(session.spec.slots, "slot")}`;
  return ending === 0 ? text : `${text} (${ending} by cancelled code that has not stopped)`;
}

/** Why a host whose slots are not all held takes nothing new. */
function limitNote(view: SessionView): string {
  const { slots, maxLeases } = view.session.spec;
  if (view.held >= slots) return "";
  if (hasAllLeases(view)) {
    return `, and has all ${counted(maxLeases, "lease")} that it takes at once, deferred ones included`;
  }
  return ", and what is free goes to a task that resumes";
}

function connectionNote({ isReachable }: Scene, { lease }: TaskRun): string {
  return lease === null || isReachable(lease.sessionId) ? "" : " (the host is not connected now)";
}

function hostOf({ session }: SessionView): string {
  return session.spec.hostId;
}

function named({ graph }: RunView, index: number): string {
  return `task "${graph.tasks[index]?.id ?? ""}"`;
}
