/** The fixed tasks of docs/PROTOCOL.md, for the raw host. */
import { appendFileSync, existsSync } from "node:fs";
import { type Run, Stop, TaskFailure } from "./raw-run.js";

export interface TaskPort {
  checkpoint(run: Run): void;
  /** Resolves with the outcome: 1 MET, 2 MAX_WAIT. */
  defer(run: Run, condition: () => boolean, pollMs: number, maxWaitMs: number): Promise<number>;
  /** Whether numbers that do not fit a double are changed rather than refused. */
  readonly rounds: boolean;
}

type Task = (run: Run, port: TaskPort) => Promise<void> | void;

const trace = (run: Run, word: string): void => appendFileSync(read(run, "trace", ""), `${word} ${run.id}\n`);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function read<T>(run: Run, key: string, fallback: T): T {
  const text = run.text(key);
  return text === undefined ? fallback : (jsonIn(text) as T);
}

/** C.3: fails on what is no JSON, and on half a character. */
function jsonIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (!/(?<!\\)(\\\\)*\\ud[89a-f]/i.test(JSON.stringify(value))) return value;
  } catch {
    // Falls through.
  }
  throw new TaskFailure(`${text} is no JSON value`, "CONTEXT_VALUE_INVALID", "final");
}

async function untilThere(run: Run, file: string | null): Promise<void> {
  while (file === null || !existsSync(file)) {
    if (run.stopping !== null) throw new Stop();
    await run.wait<void>((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

const failing =
  (kind: TaskFailure["kind"]): Task =>
  (run) => {
    throw new TaskFailure(read(run, "message", "failed"), "TASK_FAILED", kind);
  };

const TASKS: Readonly<Record<string, Task>> = {
  echo: (run, { rounds }) => {
    const text = run.text("value") ?? "null";
    const value = jsonIn(text);
    // C.2: the text goes back as it is, so that no number is changed.
    run.set("echoed", rounds ? JSON.stringify(value) : text);
  },
  edit: (run) => {
    for (const [key, value] of Object.entries(read<object>(run, "set", {}))) run.set(key, JSON.stringify(value));
    for (const key of read<string[]>(run, "remove", [])) run.remove(key);
  },
  fail: failing("plain"),
  fail_transient: failing("transient"),
  fail_final: failing("final"),
  large: (run) => run.set("large", JSON.stringify("x".repeat(read(run, "bytes", 0)))),
  slow: async (run) => {
    try {
      await untilThere(run, read<string | null>(run, "file", null));
    } catch (error) {
      await sleep(read(run, "cleanup_ms", 0));
      trace(run, "stopped");
      throw error;
    }
    run.set("waited", "true");
  },
  checkpoint: async (run, port) => {
    const step = run.text("step");
    if (step !== undefined) run.set("resumed_at", step);
    else {
      run.set("step", "1");
      port.checkpoint(run);
      const file = read<string | null>(run, "file", null);
      if (file !== null) await untilThere(run, file);
    }
    run.set("done", "true");
  },
  defer: async (run, port) => {
    const outcomes: string[] = [];
    try {
      for (const [index, file] of read<string[]>(run, "files", []).entries()) {
        run.set("waiting", String(index + 1));
        const isThere = (): boolean => {
          trace(run, "poll");
          return existsSync(file);
        };
        const outcome = await port.defer(run, isThere, read(run, "poll_ms", 20), read(run, "max_wait_ms", 0));
        outcomes.push(outcome === 2 ? "MAX_WAIT" : "MET");
      }
    } catch (error) {
      trace(run, "stopped");
      throw error;
    }
    run.set("outcomes", JSON.stringify(outcomes));
    run.remove("waiting");
  },
};

export const RAW_TASKS: Readonly<Record<string, Task>> = Object.fromEntries(
  Object.entries(TASKS).map(([name, task]) => [
    name,
    async (run: Run, port: TaskPort): Promise<void> => {
      trace(run, "start");
      await task(run, port);
      // A task that waited for something must not go on when it was stopped meanwhile.
      if (run.stopping !== null) throw new Stop();
    },
  ]),
);
