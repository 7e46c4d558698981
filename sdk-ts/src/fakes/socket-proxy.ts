/** A TCP proxy in front of a server, whose connections can be frozen and broken. For tests. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class SocketProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isFrozen = false;
  #isStopped = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = createServer((near) => {
      if (this.#isStopped) {
        near.resetAndDestroy();
        return;
      }
      const far = connect(target);
      const pair = { near, far };
      this.#pairs.add(pair);
      const end = (): void => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) socket.on("error", end).on("close", end);
      near.on("data", (bytes) => far.write(bytes));
      far.on("data", (bytes) => near.write(bytes));
      if (this.#isFrozen) pauseBoth(pair);
    });
  }

  /** Listens on a free port of loopback. */
  static async start(target: { readonly host: string; readonly port: number }): Promise<SocketProxy> {
    const proxy = new SocketProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Nothing goes through any more, in either direction, and no connection ends. */
  freeze(): void {
    this.#isFrozen = true;
    for (const pair of this.#pairs) pauseBoth(pair);
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  /** Breaks all connections, without a goodbye. */
  reset(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /**
   * Nobody gets through any more. The port stays taken until the process ends: a host that is left over from a test may dial it
   * for long, and must not find the scheduler of another test there.
   */
  stop(): void {
    this.#isStopped = true;
    this.reset();
    this.#server.unref();
  }
}

function pauseBoth({ near, far }: Pair): void {
  near.pause();
  far.pause();
}
