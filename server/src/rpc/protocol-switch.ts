/**
 * Tells by its first bytes whether a connection speaks HTTP/2, and gives it to the door that does. The bytes go back into the
 * socket, and the socket itself is handed over: nothing stands between it and its door from then on.
 */
import type { Socket } from "node:net";
import type { Door } from "./door.js";

/** How a connection of HTTP/2 begins. In HTTP/1 it would be a method, and is reserved so that it is none. */
const PREFACE = Buffer.from("PRI ", "latin1");

/** Milliseconds until a connection has to tell, as long as it may then take for its first words. */
const SILENCE_MS = 10_000;

export class ProtocolSwitch implements Door {
  /** Connections that have said too little yet. */
  readonly #silent = new Set<Socket>();

  constructor(
    readonly http2: Door,
    readonly http1: Door,
    readonly silenceMs = SILENCE_MS,
  ) {}

  take(socket: Socket): void {
    this.#silent.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.silenceMs);
    let head: Buffer = Buffer.alloc(0);
    const onReadable = (): void => {
      const bytes: Buffer | null = socket.read();
      // The end, which comes as an event of its own.
      if (bytes === null) return;
      head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
      const speaksHttp2 = isHttp2(head);
      if (speaksHttp2 === null) return;
      leave();
      socket.unshift(head);
      (speaksHttp2 ? this.http2 : this.http1).take(socket);
    };
    const leave = (): void => {
      clearTimeout(timer);
      this.#silent.delete(socket);
      socket.off("readable", onReadable).off("error", leave).off("close", leave);
    };
    socket.on("readable", onReadable).on("error", leave).on("close", leave);
  }

  close(graceMs: number): void {
    // Whoever has said nothing has nothing to lose.
    for (const socket of this.#silent) socket.destroy();
    this.http2.close(graceMs);
    this.http1.close(graceMs);
  }
}

/** Null while the bytes do not tell. */
function isHttp2(head: Buffer): boolean | null {
  const known = Math.min(head.length, PREFACE.length);
  if (head.compare(PREFACE, 0, known, 0, known) !== 0) return false;
  return known === PREFACE.length ? true : null;
}
