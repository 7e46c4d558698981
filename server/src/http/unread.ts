/**
 * Answers to requests of which more may come. Nobody will read the rest, so the connection ends with the answer; but not at
 * once, for a peer that is still sending would hear of a reset connection instead of the answer.
 */
import type { ServerResponse } from "node:http";
import { finished } from "node:stream/promises";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";

/** Milliseconds for which what still comes is thrown away. */
const LINGER_MS = 1_000;

/** Writes an answer whose length is known to the peer, and ends it. */
export function endWhenRead(response: ServerResponse, write: () => void): void {
  const rest = restOf(response);
  write();
  if (rest === null) response.end();
  else void rest().then(() => response.end());
}

/** The library's answer, which ends later. */
export function lingering(answer: UniversalServerResponse, response: ServerResponse): UniversalServerResponse {
  const rest = restOf(response);
  return rest === null ? answer : { ...answer, body: followedBy(answer.body, rest) };
}

/** Waits for the end of the request, or for long enough. Null when there is nothing to wait for. */
function restOf(response: ServerResponse): (() => Promise<void>) | null {
  const { complete, headers } = response.req;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (complete || !hasBody) return null;
  response.shouldKeepAlive = false;
  return () =>
    finished(response.req.resume(), { writable: false, signal: AbortSignal.timeout(LINGER_MS) }).catch(() => {});
}

async function* followedBy(
  body: AsyncIterable<Uint8Array> | undefined,
  rest: () => Promise<void>,
): AsyncIterable<Uint8Array> {
  if (body !== undefined) yield* body;
  await rest();
}
