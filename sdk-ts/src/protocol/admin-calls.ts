/** `HostAdminService`, in words of the SDK. */
import { HostAdminService, type HostInfo as WireHostInfo } from "@cloaca/protocol";
import { RemoteError } from "../errors/index.js";
import type { UnaryCalls } from "./calls.js";
import { stateName, type TaskRunStateName } from "./run-info.js";

/** A host that is alive, as the scheduler knows it. */
export interface HostInfo {
  /** Operator's name of the host. */
  readonly hostId: string;
  /** Random id of the process. */
  readonly instanceId: string;
  readonly sessionId: string;
  /** Number of its connection; grows with each. */
  readonly generation: number;
  /** Whether its stream is open now. */
  readonly isConnected: boolean;
  readonly isDraining: boolean;
  /** Slots that it offers. */
  readonly slots: number;
  /** Slots that are held now. */
  readonly held: number;
  /** Leases that wait without a slot now. */
  readonly deferred: number;
  /** Longest list of leases, held and deferred. 0 means no limit. */
  readonly maxLeases: number;
  readonly labels: Readonly<Record<string, string>>;
  /** SDK and language. */
  readonly sdk: string;
  /** Build of the host's code. */
  readonly buildId: string;
  /** Lag of its main loop as of its last heartbeat, in milliseconds. */
  readonly mainLoopLagMs: number;
  /** Time since it was last heard, in milliseconds. */
  readonly lastHeardMs: number;
  readonly leases: readonly HostLease[];
  /** `workflow/task` names that it implements, up to 100. */
  readonly implements: readonly string[];
}

/** A lease of a host. */
export interface HostLease {
  readonly leaseId: string;
  readonly runId: string;
  readonly task: string;
  /** LEASED, DEFERRED or RECLAIMING; UNSPECIFIED while it is ending. */
  readonly state: TaskRunStateName;
  /** Whether it is fenced, and holds its slot only until the host has stopped the task. */
  readonly isEnding: boolean;
}

/** All hosts that are alive, by name. */
export async function listHosts(channel: UnaryCalls, namespace: string): Promise<HostInfo[]> {
  const hosts: HostInfo[] = [];
  let pageToken = "";
  do {
    const page = await channel.unary(HostAdminService.method.listHosts, { namespace, pageSize: 1_000, pageToken });
    hosts.push(...page.hosts.map(hostInfo));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return hosts;
}

export interface DrainOptions {
  /** Time after which deferred leases are handed back, in milliseconds. 0 by default: at once. */
  readonly graceMs?: number;
  /** Why, for people. */
  readonly reason?: string;
}

export async function drainHost(
  channel: UnaryCalls,
  namespace: string,
  hostId: string,
  { graceMs = 0, reason = "" }: DrainOptions,
): Promise<HostInfo> {
  const { host } = await channel.unary(HostAdminService.method.drainHost, { namespace, hostId, graceMs, reason });
  if (host === undefined) throw new RemoteError("INTERNAL", "the scheduler's answer has no host");
  return hostInfo(host);
}

function hostInfo(host: WireHostInfo): HostInfo {
  const { hostId, instanceId, sessionId, slots, held, deferred, maxLeases, labels, sdk, buildId } = host;
  return {
    hostId,
    instanceId,
    sessionId,
    generation: Number(host.generation),
    isConnected: host.connected,
    isDraining: host.draining,
    slots,
    held,
    deferred,
    maxLeases,
    labels,
    sdk,
    buildId,
    mainLoopLagMs: host.mainLoopLagMs,
    lastHeardMs: Number(host.lastHeardMs),
    leases: host.leases.map(({ leaseId, runId, task, state, ending }) => ({
      leaseId,
      runId,
      task,
      state: stateName(state),
      isEnding: ending,
    })),
    implements: host.implements,
  };
}
