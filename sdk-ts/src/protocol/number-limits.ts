/** The largest numbers that travel. */
export const MAX_INT32 = 2 ** 31 - 1;
export const MAX_UINT32 = 2 ** 32 - 1;

/** Longest time that a timer waits, in milliseconds: about 24 days. */
export const MAX_TIMER_MS = MAX_INT32;

export const MAX_PORT = 2 ** 16 - 1;
