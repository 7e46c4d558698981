/** Opens sessions for connections that said `Hello` (P1, P6). */
import { CloacaError } from "../core/errors.js";
import type { DrainRequest } from "../core/session.js";
import type { OpenedSession } from "../store/store.js";
import type { Connection } from "./connection.js";
import type { Hello, SchedulerEvent } from "./events.js";
import { helloProblems, PROTOCOL_VERSION, protocolProblem, sessionSpec } from "./greeting.js";
import type { Opening } from "./inbox.js";
import { heartbeatIntervalMs, TAKEOVER_AFTER_TTL } from "./limits.js";
import type { ResolvedOffer } from "./offers.js";
import type { SchedulerOptions } from "./options.js";
import { resolveAgainst } from "./registrations.js";
import type { Switchboard } from "./switchboard.js";

interface Accepted extends Opening {
  readonly offer: ResolvedOffer;
}

/** One that is refused harms no other: its connection closes with an error that lists everything. */
export async function openSessions(
  options: SchedulerOptions,
  connections: Switchboard,
  openings: readonly Opening[],
): Promise<void> {
  const accepted: Accepted[] = [];
  for (const opening of openings) {
    try {
      accepted.push({ ...opening, offer: await checkHello(options, opening.hello) });
    } catch (error) {
      opening.connection.fail(CloacaError.from(error));
    }
  }
  const live = accepted.filter(({ connection }) => connection.phase === "opening");
  if (live.length === 0) return;
  try {
    await commit(options, connections, live);
  } catch (error) {
    // Also those that are open by now: nobody has told them yet, and their leases could not be looked up (P6).
    for (const { connection } of live) connection.fail(CloacaError.from(error));
  }
}

async function checkHello(options: SchedulerOptions, hello: Hello): Promise<ResolvedOffer> {
  const protocol = protocolProblem(hello);
  if (protocol !== null) throw protocol;
  const offer = await resolveAgainst(options, hello.namespace, hello, "hello");
  const problems = [...helloProblems(hello), ...offer.problems];
  if (problems.length === 0) return offer;
  throw CloacaError.fromProblems(
    offer.problems.length > 0 ? "DEFINITION_INVALID" : "REQUEST_INVALID",
    "hello",
    problems,
  );
}

async function commit(
  options: SchedulerOptions,
  connections: Switchboard,
  accepted: readonly Accepted[],
): Promise<void> {
  const { store, limits } = options;
  // One commit: the calls are not awaited one by one.
  const registrations = accepted.map(({ hello, offer }) =>
    store.registerWorkflows(offer.graphs.map((graph) => ({ namespace: hello.namespace, graph }))),
  );
  const opened = store.openSessions(
    accepted.map(({ hello, offer }) => {
      const spec = sessionSpec(hello, offer.implementations, limits);
      return { spec, resumeToken: hello.resumeToken, held: hello.held, takeoverAfterTtl: TAKEOVER_AFTER_TTL };
    }),
  );
  const [workflows, sessions] = await Promise.all([Promise.all(registrations), opened]);
  const bound: { connection: Connection; listed: ReadonlySet<string> }[] = [];
  accepted.forEach(({ connection, hello }, index) => {
    const session = sessions[index];
    if (session === undefined || session instanceof CloacaError) {
      connection.fail(session ?? new CloacaError("INTERNAL", "the store opened no session"));
      return;
    }
    if (!bind(options, connections, connection, session)) return;
    const welcome = {
      protocolVersion: PROTOCOL_VERSION,
      session: session.session,
      resumed: session.resumed,
      heartbeatIntervalMs: heartbeatIntervalMs(session.session.spec.ttlMs),
      verdicts: session.verdicts,
      workflows: workflows[index] ?? [],
    };
    connection.outbox.push({ type: "welcome", welcome });
    const { drainRequest } = session.session;
    if (drainRequest !== null) connection.outbox.push(drainEvent(drainRequest, options.clock.now()));
    bound.push({ connection, listed: new Set(hello.held.map((h) => h.leaseId)) });
  });
  const pending = await Promise.all(bound.map((b) => store.pendingFor(b.connection.sessionId, b.listed)));
  bound.forEach(({ connection }, index) => {
    for (const lease of pending[index] ?? []) connection.outbox.push({ type: "lease", lease });
    connection.flush();
  });
}

/** P12: what a host hears that is asked to drain. */
export function drainEvent({ until, reason }: DrainRequest, now: number): SchedulerEvent {
  const graceMs = Math.max(0, Math.ceil(until - now));
  return { type: "drain", drain: { graceMs, reason, reconnect: false, reconnectAfterMs: 0 } };
}

function bind(
  { log }: SchedulerOptions,
  connections: Switchboard,
  connection: Connection,
  { session, resumed, ended }: OpenedSession,
): boolean {
  const { hostId, slots } = session.spec;
  log.info("session_opened", { session: session.id, host: hostId, generation: session.generation, slots, resumed });
  if (ended !== null) {
    connections.drop(ended, new CloacaError("SESSION_EXPIRED", "another instance has taken the host_id over"));
  }
  // The host may be gone again: then the session waits for its next connection.
  if (connection.phase !== "opening") return false;
  connections.bind(connection, session.id, session.generation);
  return true;
}
