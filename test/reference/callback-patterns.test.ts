/** The three patterns of callbacks: an alert, a metric, a cleanup. */
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Context, type ErrorRecord, RunFailedError, WorkflowBuilder } from "cloaca";
import { afterEach, expect, it, vi } from "vitest";
import { newSignal } from "../support/signal.js";
import { useScheduler } from "../support/use-scheduler.js";

const scheduler = useScheduler();

afterEach(() => vi.unstubAllEnvs());

// Alerting pattern
async function slackAlert(taskId: string, error: ErrorRecord, _context: Context): Promise<void> {
  const webhookUrl = process.env["SLACK_WEBHOOK"] ?? "";
  await fetch(webhookUrl, {
    method: "POST",
    body: JSON.stringify({ text: `Task ${taskId} failed: ${error.message}` }),
  });
}

it("alerting: onFailure posts to a webhook", async () => {
  const posted = newSignal<unknown>();
  const webhook = createServer((request, response) => {
    void text(request).then((body) => {
      response.end();
      posted.tell(JSON.parse(body));
    });
  }).listen(0, "127.0.0.1");
  await once(webhook, "listening");
  vi.stubEnv("SLACK_WEBHOOK", `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`);
  const alerting = new WorkflowBuilder("alerting").addTask({ id: "load", onFailure: slackAlert }, () => {
    throw new Error("the disk is full");
  });
  await expect(scheduler.runner.execute(alerting.build())).rejects.toThrow(RunFailedError);
  expect(await posted.told).toEqual({ text: "Task load failed: the disk is full" });
  webhook.close();
});

it("metrics: onSuccess reads the context that the task left", async () => {
  const timings: [name: string, ms: number][] = [];
  const statsd = { timing: (name: string, ms: number) => timings.push([name, ms]) };
  // Metrics pattern
  function recordMetrics(taskId: string, context: Context): void {
    const duration = context.get("duration_ms", 0);
    statsd.timing(`task.${taskId}.duration`, duration);
  }
  const measured = new WorkflowBuilder("measured")
    .addTask({ id: "timed", onSuccess: recordMetrics }, (context) => context.set("duration_ms", 12))
    .addTask({ id: "untimed", onSuccess: recordMetrics }, () => {});
  await using runner = scheduler.newRunner();
  await runner.execute(measured.build());
  await runner.close();
  expect(timings.toSorted()).toEqual([
    ["task.timed.duration", 12],
    ["task.untimed.duration", 0],
  ]);
});

it("cleanup: onFailure removes what the task has left behind", async () => {
  const tempDir = mkdtempSync(join(tmpdir(), "cloaca-cleanup-"));
  const cleaned = newSignal();
  // Cleanup pattern
  function cleanupTempFiles(_taskId: string, _error: ErrorRecord, context: Context): void {
    const dir = context.get<string>("temp_dir");
    if (dir !== undefined && existsSync(dir)) rmSync(dir, { recursive: true });
    cleaned.tell();
  }
  const cleaning = new WorkflowBuilder("cleaning").addTask({ id: "write", onFailure: cleanupTempFiles }, (context) => {
    context.set("temp_dir", tempDir);
    writeFileSync(join(tempDir, "half"), "written");
    throw new Error("and no more");
  });
  await expect(scheduler.runner.execute(cleaning.build())).rejects.toThrow(RunFailedError);
  await cleaned.told;
  expect(existsSync(tempDir)).toBe(false);
});
