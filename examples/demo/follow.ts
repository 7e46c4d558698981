/** Follows a run from its first event to its last: on a terminal it is drawn again and again, into a pipe it is told. */
import type { Client, RunEventInfo, WorkflowDefinition } from "cloaca";
import { liveFrame, type Moment, taskLines } from "./live-frame.js";
import { narrate } from "./narrate.js";
import type { Line } from "./paint.js";
import { handOversOf, tasksOf } from "./run-view.js";
import type { Screen } from "./screen.js";

const FRAME_MS = 100;

export class Follower {
  readonly events: RunEventInfo[] = [];
  /** When lines count their seconds from. */
  #startedAt = 0;
  #isOver = false;

  constructor(
    readonly screen: Screen,
    readonly workflow: WorkflowDefinition<object>,
    readonly hosts: readonly string[],
    readonly address: () => string,
  ) {}

  /** @param heard is called after each batch of events, which `events` has by then */
  async follow(client: Client, runId: string, heard: (batch: readonly RunEventInfo[]) => Promise<void>): Promise<void> {
    this.#startedAt = Date.now();
    const draw = (): void => {
      if (!this.#isOver) this.screen.draw(liveFrame(this.moment(), this.screen.width, this.screen.height));
    };
    const timer = setInterval(draw, FRAME_MS);
    try {
      for await (const { events } of client.watch({ runId })) {
        if (this.#isOver) return;
        for (const event of events) {
          this.events.push(event);
          const line = narrate(event, this.moment(), Math.max(0, event.at.getTime() - this.#startedAt));
          if (line !== null) this.append(line);
        }
        draw();
        await heard(events);
      }
    } finally {
      clearInterval(timer);
    }
  }

  /** Nothing is drawn any more. */
  stop(): void {
    this.#isOver = true;
    this.screen.settle();
  }

  /** How the run stands. */
  moment(): Moment {
    const { tasks } = this.workflow;
    return {
      tasks: tasksOf(
        tasks.map(({ id }) => id),
        this.events,
      ),
      handOvers: handOversOf(this.events),
      hosts: this.hosts,
      dependencies: new Map(tasks.map(({ id, dependencies }) => [id, dependencies])),
      now: Date.now(),
      address: this.address(),
    };
  }

  /** A line of what happened, where nothing is drawn. */
  append(line: Line): void {
    if (!this.screen.isLive) this.screen.print([line]);
  }

  /** A line of what happened that stays, also above what is drawn. */
  tell(line: Line): void {
    if (this.screen.isLive) this.screen.replace([line]);
    else this.screen.print([line]);
  }

  /** What was drawn last gives way to the tasks as they are in the end. */
  conclude(): void {
    if (this.screen.isLive) this.screen.replace(taskLines(this.moment(), this.screen.width));
  }
}
