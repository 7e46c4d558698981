/** How a host greets, and which answers it has to expect. */
import type { Hello } from "../../server/src/engine/events.js";
import { offering } from "../../server/src/testing/scripted-host.js";
import type { SimulatedHost } from "./host.js";
import { WORKFLOWS } from "./workflows.js";

const OFFER = offering(...WORKFLOWS);

/** Ends of a connection after which a host connects again. */
export const EXPECTED_ENDS: ReadonlySet<string> = new Set([
  "SESSION_EXPIRED",
  "SESSION_SUPERSEDED",
  "DRAINING",
  "HOST_ID_IN_USE",
  "STORE_UNAVAILABLE",
]);

/** P6: it lists every lease that has no receipt of its end. */
export function helloOf(host: SimulatedHost, resumeToken: string): Hello {
  return {
    protocolMin: 1,
    protocolMax: 1,
    namespace: "default",
    hostId: host.name,
    instanceId: host.instance,
    resumeToken,
    sdk: "simulation",
    buildId: "",
    slots: host.slots,
    maxLeases: host.plan.maxLeases,
    labels: {},
    capabilities: [],
    held: [...host.leases.values()].map((task) => task.listed()),
    requestedTtlMs: 0,
    more: false,
    ...OFFER,
  };
}
