/** What is on the screen while the run goes on: a task a line, the slots of each host, and how to look inside. */
import { hostStyle, STATE_LOOK, seconds } from "./look.js";
import { columnsOf, type Line, type Span } from "./paint.js";
import type { HandOver, TaskView } from "./run-view.js";
import { durations, timeLine } from "./time-line.js";

/** The bars keep their scale until the run takes longer. */
const EXPECTED_MS = 3_000;

export interface Moment {
  readonly tasks: readonly TaskView[];
  readonly handOvers: readonly HandOver[];
  readonly hosts: readonly string[];
  /** What each task depends on. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
  /** Milliseconds of the scheduler's clock. */
  readonly now: number;
  readonly address: string;
}

/**
 * All that is drawn while the run goes on.
 *
 * @param rows of the screen; the time line is shown where there is room for it
 */
export function liveFrame(moment: Moment, width: number, rows: number): Line[] {
  const { tasks, hosts, now, address } = moment;
  const slots = hosts.map((host) => slotLine(host, moment));
  const frame = [...taskLines(moment, width), [], ...slots, [], ...lookInside(address, width)];
  const bars = timeLine(tasks, hosts, now, width, EXPECTED_MS);
  return frame.length + bars.length + 2 < rows ? [...frame, [], ...bars] : frame;
}

/** A task a line: its state, its host, and why; the reason has a line of its own where it does not fit. */
export function taskLines(moment: Moment, width: number): Line[] {
  const { tasks, hosts } = moment;
  const names = Math.max(...tasks.map(({ id }) => id.length)) + 2;
  const places = Math.max(...hosts.map((host) => host.length)) + 2;
  return tasks.flatMap((task): Line[] => {
    const { mark, style } = STATE_LOOK[task.state];
    const start: Line = [
      "  ",
      [`${mark} `, style],
      task.state === "waiting" ? [task.id.padEnd(names), "dim"] : task.id.padEnd(names),
      [task.state.padEnd(12), style],
      [task.host.padEnd(places), task.host === "" ? "dim" : hostStyle(hosts, task.host)],
    ];
    const why: Line = [[reason(task, moment), "dim"]];
    return columnsOf(start) + columnsOf(why) <= width ? [[...start, ...why]] : [start, ["      ", ...why]];
  });
}

/** Why a task is where it is. */
export function reason(task: TaskView, { tasks, handOvers, dependencies, now }: Moment): string {
  switch (task.state) {
    case "waiting": {
      const open = (dependencies.get(task.id) ?? []).filter(
        (id) => tasks.find((other) => other.id === id)?.state !== "succeeded",
      );
      return open.length > 2 ? `after ${open[0]} and ${open.length - 1} more` : `after ${open.join(", ")}`;
    }
    case "ready":
      return task.leases === 0 ? "waits for a free slot" : "its host is gone: waits for one";
    case "running": {
      if (task.isResumed) return "goes on where it waited";
      if (task.leases > 1) return "once more, since its host was lost";
      const lender = handOvers.find(({ reusedBy, to }) => reusedBy.includes(task.id) && to === null);
      return lender === undefined ? "" : `in the slot of ${lender.task}`;
    }
    case "deferred":
      return `no slot: waits for ${task.reason}`;
    case "reclaiming":
      return "no slot: its file is there, next in line";
    case "succeeded":
      return durations(task, now);
    default:
      return task.reason;
  }
}

function slotLine(host: string, { tasks, hosts, now }: Moment): Line {
  const style = hostStyle(hosts, host);
  const holder = tasks.find((task) => task.stretches.some((stretch) => stretch.to === null && isHeldAt(stretch, host)));
  const since = holder?.stretches.at(-1)?.from ?? now;
  const away = tasks
    .filter(({ stretches, state }) => state !== "running" && stretches.at(-1)?.to === null)
    .filter((task) => task.host === host);
  const slot: Span[] =
    holder === undefined ? [["□ free", "dim"]] : [["■ ", style], holder.id, [` ${seconds(now - since)}`, "dim"]];
  const waiting: Span[] = away.flatMap(({ id }): Span[] => ["   ", [`◌ ${id}, without a slot`, "yellow"]]);
  return [`  ${holder === undefined ? "0" : "1"}/1 slot of `, [host, style], "  ", ...slot, ...waiting];
}

function isHeldAt({ kind, host: at }: TaskView["stretches"][number], host: string): boolean {
  return kind === "held" && at === host;
}

/** In one line where it fits, else so that a shell takes both. */
export function lookInside(address: string, width: number): Line[] {
  const first = `grpcurl -plaintext ${address}`;
  const method = "cloaca.v1.RunService/ListRuns";
  const inOne: Line = ["  ", ["look inside: ", "dim"], `${first} ${method}`];
  if (`  look inside: ${first} ${method}`.length <= width) return [inOne];
  return [["  ", ["look inside:", "dim"]], [`  ${first} \\`], [`    ${method}`]];
}
