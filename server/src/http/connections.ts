/**
 * Connections that are kept between calls, and how they end. Node can close those that idle, but takes one for idle whose
 * answer is written and has not yet left; here it has left.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class Connections {
  /** Answers that are under way, by connection. */
  readonly #open = new Map<Socket, number>();
  #isClosing = false;

  add(socket: Socket): void {
    this.#open.set(socket, 0);
    socket.once("close", () => this.#open.delete(socket));
  }

  /** To be told of each request. */
  answering(socket: Socket, response: ServerResponse): void {
    if (this.#isClosing) response.shouldKeepAlive = false;
    this.#count(socket, 1);
    // All of it has left, or nobody takes it.
    response.once("close", () => this.#count(socket, -1));
  }

  /** Ends each connection as soon as it has nothing more to answer. */
  close(): void {
    this.#isClosing = true;
    for (const socket of this.#open.keys()) this.#count(socket, 0);
  }

  #count(socket: Socket, more: number): void {
    const open = this.#open.get(socket);
    if (open === undefined) return;
    this.#open.set(socket, open + more);
    if (this.#isClosing && open + more === 0) socket.destroy();
  }
}
