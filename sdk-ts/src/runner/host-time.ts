/** How a host's session waits. A process has the real time; @cloaca/sdk/testing has a virtual one. */
export interface HostTime {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls back in the next turn of the loop. */
  soon(callback: () => void): void;
  /** Calls back after a time in milliseconds; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const realTime: HostTime = {
  now: () => Date.now(),
  soon: (callback) => void setImmediate(callback),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
