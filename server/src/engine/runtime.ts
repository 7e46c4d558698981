/** How the engine waits. The real one uses Node's loop; a simulation steps through it. */
export interface Runtime {
  /** Runs a callback in the next turn, after the input that is there has been read. */
  soon(callback: () => void): void;
  /** Runs a callback after a time in milliseconds; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const nodeRuntime: Runtime = {
  soon(callback) {
    // The check phase comes after the poll phase: what arrived in one round of the loop is one turn.
    setImmediate(callback);
  },
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, 0x7fffffff));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
