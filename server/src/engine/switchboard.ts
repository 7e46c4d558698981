/** Which connection serves which session, and who can be sent to now (P1). */
import { CloacaError } from "../core/errors.js";
import type { Connection } from "./connection.js";

export class Switchboard {
  readonly #bySession = new Map<string, Connection>();
  /** Everything that is connected, with or without a session. */
  readonly #all = new Set<Connection>();
  /** Sessions that can be sent to now; asked for each grant, so it is one object that answers. */
  readonly reachable: Pick<ReadonlySet<string>, "has"> = {
    has: (sessionId) => {
      const connection = this.#bySession.get(sessionId);
      if (connection === undefined) return false;
      if (!connection.isReachable) connection.wasPassedOver = true;
      return connection.isReachable;
    },
  };

  add(connection: Connection): void {
    this.#all.add(connection);
  }

  /** P1: the newer connection of a session replaces the older one. */
  bind(connection: Connection, sessionId: string, generation: number): void {
    const older = this.#bySession.get(sessionId);
    this.#bySession.set(sessionId, connection);
    connection.open(sessionId, generation);
    older?.fail(
      new CloacaError("SESSION_SUPERSEDED", `generation ${generation} of session ${sessionId} has taken over`),
    );
  }

  /** Forgets a connection; an older generation never takes the newer one's place away (P1). */
  remove(connection: Connection): void {
    this.#all.delete(connection);
    if (this.#bySession.get(connection.sessionId) === connection) this.#bySession.delete(connection.sessionId);
  }

  of(sessionId: string): Connection | null {
    return this.#bySession.get(sessionId) ?? null;
  }

  /** Closes the connection of a session that has ended. */
  drop(sessionId: string, error: CloacaError): void {
    this.#bySession.get(sessionId)?.fail(error);
  }

  all(): readonly Connection[] {
    return [...this.#all];
  }
}
