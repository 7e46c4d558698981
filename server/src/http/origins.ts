/**
 * Which web pages may call. A page is known by its `Origin`, which a browser sends along with every call that is not a plain
 * GET, and which no script can forge. Programs that are no browsers send none, and are let through.
 *
 * What is refused is refused before it is read: not only would the page not see the answer, its call has no effect. That also
 * holds for a page whose name was rebound to this address, and which the browser takes for one of ours.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { cors } from "@connectrpc/connect";
import { CloacaError } from "../core/errors.js";

/** Stands for every origin. */
export const ANY_ORIGIN = "*";

/** Seconds for which a browser may remember a preflight's answer; none remembers for longer than two hours. */
const MAX_AGE = 7_200;

/** @throws CloacaError for a request of a page that may not call */
export function checkOrigin(
  { headers: { origin } }: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[],
): void {
  if (origin === undefined) return;
  response.setHeader("Vary", "Origin");
  if (!allowed.includes(origin) && !allowed.includes(ANY_ORIGIN)) {
    // Files and sandboxed frames have no origin by which they could be told apart.
    const advice = origin === "null" ? "" : `; start the scheduler with --allow-origin ${origin}`;
    throw new CloacaError("ORIGIN_NOT_ALLOWED", `pages of ${JSON.stringify(origin)} may not call${advice}`);
  }
  response.setHeader("Access-Control-Allow-Origin", origin);
  response.setHeader("Access-Control-Expose-Headers", cors.exposedHeaders.join(", "));
}

/** Whether it is a browser's question if a page may make a call; if so, it is answered. */
export function answerPreflight({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return false;
  response.setHeader("Access-Control-Allow-Methods", "POST");
  response.setHeader("Access-Control-Allow-Headers", cors.allowedHeaders.join(", "));
  response.setHeader("Access-Control-Max-Age", MAX_AGE);
  response.writeHead(204).end();
  return true;
}
