import type { TaskHandle } from "../task/task-handle.js";
import { InMemoryScheduler } from "./in-memory-scheduler.js";
import { signal } from "./signal.js";

/**
 * A scheduler with a session whose task `a` sets `seen`, tells that it has started, waits until a test says `go`, and then does
 * what the test wants.
 */
export function gated(then: (handle: TaskHandle) => unknown = () => {}) {
  const go = signal();
  const started = signal<TaskHandle>();
  const scheduler = new InMemoryScheduler({
    a: {
      wantsHandle: true,
      fn: async (context, handle) => {
        context.set("seen", true);
        started.fire(handle as TaskHandle);
        await go.fired;
        await then(handle as TaskHandle);
        return context;
      },
    },
  });
  scheduler.connect();
  return { scheduler, go: () => go.fire(), started: started.fired };
}
