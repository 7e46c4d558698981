/**
 * A thread with a channel of its own. When the main thread has shown no life for a while, because task code computes, it
 * renews the session by `KeepAlive` (P5). What proves that the task makes progress is its timeout, not this.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Channel } from "../protocol/channel.js";
import { keepAlive } from "../protocol/keep-alive-call.js";
import type { KeepAliveData, KeepAliveMessage } from "./keep-alive.js";
import { Silence } from "./silence.js";

const { url, beats } = workerData as KeepAliveData;
const lastBeats = new Int32Array(beats);
let channel: Channel | null = null;
let timer: NodeJS.Timeout | undefined;

parentPort?.on("message", (message: KeepAliveMessage) => {
  clearInterval(timer);
  if (message === "stop") {
    channel?.close();
    parentPort?.close();
    return;
  }
  const { sessionId, resumeToken, intervalMs } = message;
  const silence = new Silence(intervalMs, Atomics.load(lastBeats, 0), performance.now());
  timer = setInterval(() => {
    const lagMs = silence.observe(Atomics.load(lastBeats, 0), performance.now());
    if (lagMs === null) return;
    channel ??= new Channel(url);
    // The main thread's own connection tells what a failure means.
    keepAlive(channel, sessionId, resumeToken, lagMs).catch(() => {});
  }, intervalMs / 2);
});

parentPort?.postMessage("ready");
