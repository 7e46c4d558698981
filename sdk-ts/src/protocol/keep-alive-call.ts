import { HostService } from "@cloaca/protocol";
import type { Channel } from "./channel.js";

const DEADLINE_MS = 5_000;

/** Renews a session without touching its stream (P5). Resolves with its TTL in milliseconds. */
export async function keepAlive(
  channel: Channel,
  sessionId: string,
  resumeToken: string,
  mainLoopLagMs: number,
): Promise<number> {
  const request = { sessionId, resumeToken, mainLoopLagMs };
  const options = { deadline: Date.now() + DEADLINE_MS };
  const { ttlMs } = await channel.unary(HostService.method.keepAlive, request, options);
  return ttlMs;
}
