/** Makes the actions of a plan happen. */
import type { Retention } from "../../server/src/store/store.js";
import type { Client } from "./client.js";
import type { Disk } from "./disk.js";
import type { SimulatedHost } from "./host.js";
import type { Action } from "./plan.js";
import type { Incarnation } from "./scheduler-process.js";
import type { VirtualTime } from "./virtual-time.js";

export interface ActionWorld {
  readonly time: VirtualTime;
  readonly client: Client;
  readonly disk: Disk;
  readonly hosts: readonly SimulatedHost[];
  /** Null while no scheduler runs. */
  readonly process: Incarnation | null;
  /** How long the scheduler stays away when it crashes. */
  downMs: number;
}

export function act(action: Action, world: ActionWorld): void {
  const { process } = world;
  const host = "host" in action ? world.hosts[action.host] : undefined;
  switch (action.type) {
    case "start":
      world.client.start(action.workflow, action.priority);
      break;
    case "cancel":
      world.client.control(action.run, { type: "cancel", reason: "" });
      break;
    case "retry":
      world.client.control(action.run, { type: "retry", requestId: `retry-${world.time.elapsed}` });
      break;
    case "pause":
      world.client.control(action.run, { type: "pause", reason: "" });
      world.time.after(action.ms, () => world.client.control(action.run, { type: "resume" }), true);
      break;
    case "cut":
      host?.cut(action);
      break;
    case "overlap":
      host?.overlap();
      break;
    case "slow":
      if (host === undefined) break;
      host.delayMs = action.delayMs;
      world.time.after(action.ms, () => {
        host.delayMs = 0;
      });
      break;
    case "freeze host":
      host?.freeze(action.ms);
      break;
    case "kill host":
      host?.kill(action.downMs);
      break;
    case "resize":
      host?.resize(action.slots);
      break;
    case "drain":
      if (action.by === "host") host?.drain(action.graceMs, true);
      else drainByOperator(world, action.host, action.graceMs);
      break;
    case "purge":
      purge(world, action, action.limit);
      break;
    case "crash":
      world.downMs = action.downMs;
      if (action.when === "now") process?.crash();
      else world.disk.fates.push(`crash ${action.when === "before commit" ? "before" : "after"} commit`);
      break;
    case "power cut":
      world.downMs = action.downMs;
      world.disk.fates.push("power cut");
      break;
    case "slow disk":
      for (let count = action.commits; count > 0; count--) world.disk.fates.push("slow sync");
      break;
    case "stop":
      world.downMs = action.downMs;
      process?.input(() => {
        void process.scheduler.stop(100);
        world.time.after(30, () => process.crash());
      });
      break;
    case "fail commits":
      for (let count = action.count; count > 0; count--) world.disk.fates.push("fails");
      break;
    case "stall":
      process?.stall(action.ms);
      break;
  }
}

function purge({ process }: ActionWorld, retention: Retention, limit: number): void {
  process?.input(() => {
    // A step that fails is tried again by the next one.
    process.scheduler.store.purge(retention, limit).catch(() => {});
  });
}

function drainByOperator(world: ActionWorld, host: number, graceMs: number): void {
  const { process } = world;
  const session = process?.scheduler.store
    .listSessions("default")
    .find((v) => v.session.spec.hostId === world.hosts[host]?.name);
  if (process === null || session === undefined) return;
  process.input(() => {
    process.scheduler.drainHost(session.session.id, graceMs, "").catch(() => {});
  });
}
