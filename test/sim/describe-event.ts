import type { SchedulerEvent } from "../../server/src/engine/events.js";

/** One line about what the scheduler says, for a trace. */
export function describeEvent(event: SchedulerEvent): string {
  if (event.type === "lease") return `lease ${event.lease.leaseId}`;
  if (event.type === "welcome") return `welcome ${JSON.stringify(event.welcome.verdicts)}`;
  return JSON.stringify(event, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}
