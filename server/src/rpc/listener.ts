/** Listens on an address, knows every open connection, and can end them all within a bound. */
import { lookup } from "node:dns/promises";
import { createServer, type Server, type Socket } from "node:net";

/**
 * What a connection has on top of the grace to say its last words. One whose peer has stopped to read, or is gone without a
 * word, cannot say them: nothing but the end of its socket ends it.
 */
const LAST_WORDS_MS = 200;

export class Listener {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly address: string,
    readonly onConnection: (socket: Socket) => void,
  ) {}

  /**
   * @param address host and port; port 0 takes a free one. A name is listened on at each of its addresses that can be had.
   * @throws the error of the first address, when none can be had
   */
  static async open(address: string, onConnection: (socket: Socket) => void): Promise<Listener> {
    const colon = address.lastIndexOf(":");
    const name = address.slice(0, colon);
    const found = await lookup(name.replace(/^\[(.*)\]$/, "$1"), { all: true });
    const servers: Server[] = [];
    const refused: unknown[] = [];
    let port = Number(address.slice(colon + 1));
    for (const { address: host } of found) {
      const server = createServer();
      try {
        port = await listen(server, host, port);
        servers.push(server);
      } catch (error) {
        refused.push(error);
      }
    }
    if (servers.length === 0) throw refused[0];
    const listener = new Listener(`${name}:${port}`, onConnection);
    for (const server of servers) listener.#take(server);
    return listener;
  }

  /** Takes no more connections, and waits for the end of those that are open: after `graceMs`, and a moment, they are cut. */
  async close(graceMs: number): Promise<void> {
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs + LAST_WORDS_MS);
    await Promise.all(this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    clearTimeout(cut);
  }

  #take(server: Server): void {
    this.#servers.push(server);
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      this.onConnection(socket);
    });
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}
