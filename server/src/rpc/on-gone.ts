/** Registers what is to happen when the caller has gone away before the answer. */
export type OnGone = (callback: () => void) => void;
