// The host program that docs/PROTOCOL.md describes and `npm run conformance` tests: the fixed tasks, with the TypeScript SDK.
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { DeferTimeoutError, Host, PermanentError, type TaskHandle, TransientError, workflow } from "cloaca";

type Input = {
  trace: string;
  value: unknown;
  set: Record<string, unknown>;
  remove: string[];
  message: string;
  bytes: number;
  file: string;
  cleanup_ms: number;
  step: number;
  files: string[];
  poll_ms: number;
  max_wait_ms: number;
};

type Reader = { get(key: "trace"): string };

function trace(context: Reader, handle: TaskHandle, word: string): void {
  appendFileSync(context.get("trace"), `${word} ${handle.leaseId}\n`);
}

/** Keeps the slot until the file is there; throws once the task is told to stop. */
async function untilThere(file: string | undefined, handle: TaskHandle): Promise<void> {
  while (file === undefined || !existsSync(file)) await sleep(10, undefined, { signal: handle.signal });
}

const conformance = workflow<Partial<Input> & Pick<Input, "trace">>("conformance", ({ task }) => {
  task({ id: "echo" }, (context, handle) => {
    trace(context, handle, "start");
    return { echoed: context.get("value") ?? null };
  });

  task({ id: "edit" }, (context, handle) => {
    trace(context, handle, "start");
    for (const [key, value] of Object.entries(context.get("set", {}))) context.set(key, value as string);
    for (const key of context.get("remove", [])) context.remove(key);
  });

  task({ id: "fail" }, (context, handle) => {
    trace(context, handle, "start");
    throw new Error(context.get("message", "failed"));
  });

  task({ id: "fail_transient" }, (context, handle) => {
    trace(context, handle, "start");
    throw new TransientError(context.get("message", "failed"));
  });

  task({ id: "fail_final" }, (context, handle) => {
    trace(context, handle, "start");
    throw new PermanentError(context.get("message", "failed"));
  });

  task({ id: "large" }, (context, handle) => {
    trace(context, handle, "start");
    return { large: "x".repeat(context.get("bytes", 0)) };
  });

  task({ id: "slow" }, async (context, handle) => {
    trace(context, handle, "start");
    try {
      await untilThere(context.get("file"), handle);
    } catch (error) {
      await sleep(context.get("cleanup_ms", 0));
      trace(context, handle, "stopped");
      throw error;
    }
    return { waited: true };
  });

  task({ id: "checkpoint" }, async (context, handle) => {
    trace(context, handle, "start");
    const step = context.get("step");
    if (step !== undefined) return { resumed_at: step, done: true };
    context.set("step", 1);
    await handle.checkpoint();
    const file = context.get("file");
    if (file !== undefined) await untilThere(file, handle);
    return { done: true };
  });

  task({ id: "defer" }, async (context, handle) => {
    trace(context, handle, "start");
    const outcomes: string[] = [];
    const maxWaitMs = context.get("max_wait_ms", 0);
    const limit = maxWaitMs === 0 ? {} : { maxWaitMs };
    for (const [index, file] of context.get("files", []).entries()) {
      context.set("waiting", index + 1);
      const isThere = (): boolean => {
        trace(context, handle, "poll");
        return existsSync(file);
      };
      try {
        await handle.deferUntil(isThere, { pollIntervalMs: context.get("poll_ms", 20), ...limit, describe: "a file" });
        outcomes.push("MET");
      } catch (error) {
        if (!(error instanceof DeferTimeoutError)) {
          trace(context, handle, "stopped");
          throw error;
        }
        outcomes.push("MAX_WAIT");
      }
    }
    return context.set("outcomes", outcomes).remove("waiting");
  });
});

const { CLOACA_ADDRESS: url = "127.0.0.1:7233", CLOACA_HOST_ID: hostId = "conformance" } = process.env;
const host = new Host({ url, hostId, slots: 4, drainGraceMs: 300 }).register(conformance);
await host.run();
