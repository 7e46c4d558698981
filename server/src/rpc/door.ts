import type { Socket } from "node:net";

/** Speaks one protocol with the connections that it is given. */
export interface Door {
  take(socket: Socket): void;
  /** Takes no more calls, and ends what idles at once. Calls that are under way have `graceMs`; their sockets are the listener's to cut. */
  close(graceMs: number): void;
}
