/** A process that begins anew, is killed, and stands still; what it had planned goes with it. */
import type { VirtualTime } from "./virtual-time.js";

export class HostProcess {
  /** Which process it is. */
  instance = "";
  isDown = false;
  #instances = 0;
  #frozenUntil = 0;
  readonly #frozen: (() => void)[] = [];

  constructor(
    readonly time: VirtualTime,
    readonly name: string,
  ) {}

  /** Another process begins. */
  protected begin(): void {
    this.isDown = false;
    this.instance = `${this.name}-instance-${++this.#instances}`;
  }

  /** It stands still, as with SIGSTOP. */
  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.time.now() + ms);
    this.time.after(ms, () => {
      if (this.#isFrozen) return;
      for (const callback of this.#frozen.splice(0)) callback();
    });
  }

  /** Runs a callback later, unless the process that asked for it is gone. */
  after(ms: number, callback: () => void): void {
    const { instance } = this;
    this.time.after(ms, () => this.alive(instance, callback));
  }

  /** Runs a callback in a process: when it runs again, and not at all when it is gone. */
  protected alive(instance: string, callback: () => void): void {
    const run = () => {
      if (!this.isDown && this.instance === instance) callback();
    };
    if (this.#isFrozen) this.#frozen.push(run);
    else run();
  }

  get #isFrozen(): boolean {
    return this.#frozenUntil > this.time.now();
  }
}
