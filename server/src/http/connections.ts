/**
 * Connections that are kept between calls, and how they end. Node can close those that idle, but takes one for idle whose
 * answer is written and has not yet left; here it has left.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

export class Connections {
  /** Answers that are under way, by connection. */
  readonly #open = new Map<Socket, Set<ServerResponse>>();
  #isClosing = false;
  #onLast = (): void => {};

  add(socket: Socket): void {
    const answers = new Set<ServerResponse>();
    this.#open.set(socket, answers);
    socket.once("close", () => {
      this.#open.delete(socket);
      // Node tells the answer whose turn it was. Those behind it have no socket yet, and would wait for one for ever.
      for (const answer of answers) if (answer.socket === null) answer.emit("close");
      this.#tellIfLast();
    });
  }

  /** To be told of each request. */
  answering(socket: Socket, response: ServerResponse): void {
    if (this.#isClosing) response.shouldKeepAlive = false;
    const answers = this.#open.get(socket);
    answers?.add(response);
    response.once("close", () => {
      // All of it has left, or nobody takes it.
      answers?.delete(response);
      if (this.#isClosing && answers?.size === 0) socket.destroy();
    });
  }

  /** Ends each connection as soon as it has nothing more to answer, and tells once there is none left. */
  close(onLast: () => void): void {
    this.#isClosing = true;
    this.#onLast = onLast;
    for (const [socket, answers] of this.#open) if (answers.size === 0) socket.destroy();
    this.#tellIfLast();
  }

  #tellIfLast(): void {
    if (this.#isClosing && this.#open.size === 0) this.#onLast();
  }
}
