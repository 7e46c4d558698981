/** Exit codes of the command, for scripts. Stable; docs/CLI.md has the same table. */
export const EXIT = {
  ok: 0,
  /** A run that was waited for or watched ended FAILED or CANCELLED; an audit found a breach; or `cloaca server` could not start. */
  failed: 1,
  /** The command line, the environment or an input file is wrong; nothing was sent. */
  usage: 2,
  /** The scheduler refused, or what was named is not there. */
  refused: 3,
  /** No scheduler answers at the address, or it went away. */
  unreachable: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
