/** What a host tells about itself; `console` fits. */
export interface HostLog {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export const QUIET: HostLog = { info() {}, warn() {} };
