/** `Register` events of a running session: resolved before the turn that commits them. */
import { CloacaError } from "../core/errors.js";
import type { Graph } from "../core/model.js";
import type { Implementation } from "../core/session.js";
import type { Store } from "../store/store.js";
import type { Connection } from "./connection.js";
import type { Offer } from "./events.js";
import type { Incoming } from "./inbox.js";
import { addImplementations, type ResolvedOffer, resolveOffer } from "./offers.js";

export interface Registration {
  readonly connection: Connection;
  readonly seq: number;
  readonly sessionId: string;
  readonly namespace: string;
  readonly offer: ResolvedOffer;
  /** All that the session implements from then on. */
  readonly implementations: readonly Implementation[];
}

/** Resolves an offer against what is registered. */
export async function resolveAgainst(
  store: Store,
  namespace: string,
  offer: Offer,
  path: string,
): Promise<ResolvedOffer> {
  const known = new Map<string, Graph>();
  for (const { workflow, version } of offer.implementations) {
    if (version === "") continue;
    const record = await store.readWorkflow(namespace, workflow, version);
    if (record !== null) known.set(`${workflow}\n${version}`, record.graph);
  }
  return resolveOffer(offer, path, (workflow, version) => known.get(`${workflow}\n${version}`) ?? null);
}

/** The good ones; the others get their receipt here. */
export async function resolveRegistrations(store: Store, incoming: readonly Incoming[]): Promise<Registration[]> {
  const resolved: Registration[] = [];
  for (const { connection, event } of incoming) {
    if (event.type !== "register") continue;
    const { sessionId } = connection;
    const session = store.session(sessionId);
    if (session === null) continue;
    const { namespace, implementations } = session.spec;
    const offer = await resolveAgainst(store, namespace, event.offer, "register");
    if (offer.problems.length > 0) {
      const { code, message, problems } = CloacaError.fromProblems("DEFINITION_INVALID", "register", offer.problems);
      connection.outbox.receipt({ seq: event.seq, result: "REJECTED", error: { code, message, problems } });
      connection.flush();
      continue;
    }
    const earlier = resolved.findLast((r) => r.sessionId === sessionId)?.implementations ?? implementations;
    const all = addImplementations(earlier, offer.implementations);
    resolved.push({ connection, seq: event.seq, sessionId, namespace, offer, implementations: all });
  }
  return resolved;
}
