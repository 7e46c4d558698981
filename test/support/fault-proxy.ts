/** A TCP proxy that can do to a connection what networks do: freeze it, reset it, close half of it, slow it to bytes. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** `up` is what the client says, `down` what the server says. */
export type Direction = "up" | "down";

/** How often a slowed direction moves, in milliseconds. */
const STEP_MS = 50;

export class FaultProxy {
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  readonly #frozen = new Set<Direction>();
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #isRefusing = false;

  private constructor(target: string) {
    const [host = "", port = ""] = target.split(":");
    // Each half is closed on its own.
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      if (this.#isRefusing) {
        near.resetAndDestroy();
        return;
      }
      const far = connect({ host, port: Number(port), allowHalfOpen: true });
      for (const socket of [near, far]) socket.setNoDelay(true);
      const pipes = [new Pipe("up", near, far), new Pipe("down", far, near)];
      for (const pipe of pipes) {
        this.#pipes.add(pipe);
        pipe.from.on("close", () => this.#pipes.delete(pipe));
        pipe.rate(this.#frozen.has(pipe.direction) ? 0 : this.#bytesPerSecond);
      }
    });
  }

  /** Listens on a free port of loopback, in front of an address. */
  static async start(target: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open, or half open. */
  get connections(): number {
    return [...this.#pipes].filter(({ direction }) => direction === "up").length;
  }

  /** Reads nothing more in these directions, of connections to come as well, and says nothing of it. */
  freeze(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#frozen.add(direction);
    this.#apply();
  }

  /** Both directions are as fast as they can be again. */
  heal(): void {
    this.#frozen.clear();
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#isRefusing = false;
    this.#apply();
  }

  /** Passes so many bytes a second in each direction. */
  slowTo(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#apply();
  }

  /** Breaks every connection with a reset. */
  reset(): void {
    for (const { from } of this.#pipes) from.resetAndDestroy();
  }

  /** Resets whoever connects, until it is healed. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** Ends one direction in order, as if its sender had nothing more to say; the other one goes on. */
  halfClose(direction: Direction): void {
    for (const pipe of this.#pipes) if (pipe.direction === direction) pipe.end();
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #apply(): void {
    for (const pipe of this.#pipes) pipe.rate(this.#frozen.has(pipe.direction) ? 0 : this.#bytesPerSecond);
  }
}

/** One direction of a connection. */
class Pipe {
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that may go at the next step. */
  #owed = 0;
  #hasEnded = false;

  constructor(
    readonly direction: Direction,
    readonly from: Socket,
    readonly to: Socket,
  ) {
    from.on("readable", () => this.#move());
    from.on("end", () => this.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      clearInterval(this.#timer);
      if (!this.#hasEnded) to.destroy();
    });
    to.on("drain", () => this.#move());
  }

  /** 0 is none at all: then the sender's window fills up. */
  rate(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    clearInterval(this.#timer);
    if (Number.isFinite(bytesPerSecond) && bytesPerSecond > 0) this.#timer = setInterval(() => this.#step(), STEP_MS);
    this.#move();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.to.end();
  }

  #move(): void {
    if (Number.isFinite(this.#bytesPerSecond)) return;
    for (;;) {
      if (this.#hasEnded || this.to.writableNeedDrain) return;
      const chunk: unknown = this.from.read();
      if (chunk === null) return;
      this.to.write(chunk as Buffer);
    }
  }

  #step(): void {
    // What is not used is gone: a line that was silent is not faster for it.
    this.#owed = Math.min(this.#owed, 1) + (this.#bytesPerSecond * STEP_MS) / 1_000;
    const some = Math.min(Math.floor(this.#owed), this.from.readableLength);
    if (some === 0) return;
    this.#owed -= some;
    const chunk: unknown = this.from.read(some);
    if (chunk !== null && !this.#hasEnded) this.to.write(chunk as Buffer);
  }
}
