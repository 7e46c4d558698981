/** A TCP proxy in front of the scripted scheduler, whose connections can be broken without a goodbye. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class SocketProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect({ host: "127.0.0.1", port });
      const end = (): void => {
        for (const socket of [near, far]) {
          socket.destroy();
          this.#sockets.delete(socket);
        }
      };
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        socket.on("error", end).on("close", end);
        this.#sockets.add(socket);
      }
      near.pipe(far);
      far.pipe(near);
    });
  }

  /** Listens on a free port of loopback, in front of another one. */
  static async start(port: number): Promise<SocketProxy> {
    const proxy = new SocketProxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
