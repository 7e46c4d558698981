/** `Register` events of a running session: resolved before the turn that commits them. */
import { CloacaError } from "../core/errors.js";
import type { Graph } from "../core/model.js";
import type { Implementation } from "../core/session.js";
import type { Connection } from "./connection.js";
import type { Offer } from "./events.js";
import type { Incoming } from "./inbox.js";
import { addImplementations, type ResolvedOffer, resolveOffer } from "./offers.js";
import type { SchedulerOptions } from "./options.js";

export interface Registration {
  readonly connection: Connection;
  readonly seq: number;
  readonly sessionId: string;
  readonly namespace: string;
  readonly offer: ResolvedOffer;
  /** All that the session implements from then on. */
  readonly implementations: readonly Implementation[];
}

/** What is registered, and what may be. */
type Registry = Pick<SchedulerOptions, "store" | "limits">;

/** Resolves an offer against what is registered. */
export async function resolveAgainst(
  { store, limits }: Registry,
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
  return resolveOffer(
    offer,
    path,
    (workflow, version) => known.get(`${workflow}\n${version}`) ?? null,
    limits.maxTasks,
  );
}

/**
 * Resolves the `Register` events of a turn. Those that are wrong come back as refused events in their old places: receipts
 * are cumulative (P4), so that one given early would speak for events that are not committed yet.
 */
export async function resolveRegistrations(
  registry: Registry,
  incoming: readonly Incoming[],
): Promise<{ readonly incoming: readonly Incoming[]; readonly registrations: readonly Registration[] }> {
  if (!incoming.some(({ event }) => event.type === "register")) return { incoming, registrations: [] };
  const registrations: Registration[] = [];
  const checked: Incoming[] = [];
  for (const one of incoming) {
    const { connection, event } = one;
    const session = registry.store.session(connection.sessionId);
    if (event.type !== "register" || session === null) {
      checked.push(one);
      continue;
    }
    const { namespace, implementations } = session.spec;
    const offer = await resolveAgainst(registry, namespace, event.offer, "register");
    if (offer.problems.length > 0) {
      const { code, message, problems } = CloacaError.fromProblems("DEFINITION_INVALID", "register", offer.problems);
      checked.push({ connection, event: { seq: event.seq, type: "refused", error: { code, message, problems } } });
      continue;
    }
    checked.push(one);
    const earlier = registrations.findLast((r) => r.sessionId === session.id)?.implementations ?? implementations;
    const all = addImplementations(earlier, offer.implementations);
    registrations.push({ connection, seq: event.seq, sessionId: session.id, namespace, offer, implementations: all });
  }
  return { incoming: checked, registrations };
}
