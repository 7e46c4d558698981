/** What a host is told, and what it takes where it is told nothing. */
import { hostname } from "node:os";
import { OptionsError } from "../errors/index.js";
import { parseAddress } from "../protocol/channel.js";
import { MAX_TIMER_MS, MAX_UINT32 } from "../protocol/number-limits.js";
import { addressOption } from "../task/address-option.js";
import { describeValue } from "../task/describe-value.js";
import { LABELS } from "../task/labels.js";
import { NAMESPACE, nameOption } from "../task/name-option.js";
import { type Option, readOptions, text, wholeNumber } from "../task/option-table.js";
import { type HostLog, QUIET } from "./host-log.js";

export interface HostOptions {
  /** Address of the scheduler: `grpc://host:port`, or `grpcs://` for TLS. */
  readonly url: string;
  /** Tasks that may hold a slot at once, 0 to 100,000. 10 by default. */
  readonly slots?: number;
  /** Most tasks at once, deferred ones included; 0 means no limit. No limit by default. */
  readonly maxLeases?: number;
  /**
   * The operator's name for this host, unique in its namespace. By default the machine's name and the process id, with a number
   * from the second host of a process on.
   */
  readonly hostId?: string;
  /** `default` by default. */
  readonly namespace?: string;
  /** Build of the task code, for people. */
  readonly buildId?: string;
  /** Free labels, for people. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Hears what the host tells about itself; silent by default. `console` fits. */
  readonly log?: HostLog;
  /** How long a drain waits before deferred tasks are handed back, in milliseconds. 10,000 by default. */
  readonly drainGraceMs?: number;
}

export interface RunOptions {
  /** Drains the host when it aborts. */
  readonly signal?: AbortSignal;
  /** Drain on SIGINT and SIGTERM. True by default. A second signal ends the process as it would have without this. */
  readonly handleSignals?: boolean;
}

const MAX_SLOTS = 100_000;
const MAX_TEXT = 1_000;

const ADDRESS = addressOption(parseAddress, "grpc://host:port");

export const addressProblem = ADDRESS.check;

export const slotsProblem = wholeNumber(0, MAX_SLOTS);

const TABLE: readonly Option[] = [
  ADDRESS,
  { name: "slots", check: slotsProblem },
  { name: "maxLeases", check: wholeNumber(0, MAX_UINT32) },
  { name: "hostId", check: nameOption },
  NAMESPACE,
  { name: "buildId", check: text(MAX_TEXT) },
  LABELS,
  { name: "log", check: logProblem },
  { name: "drainGraceMs", check: wholeNumber(0, MAX_TIMER_MS, " milliseconds") },
];

/** The options with their defaults. Throws OptionsError with everything that is wrong with them. */
export function checkHostOptions(options: HostOptions): Required<HostOptions> {
  const { problems } = readOptions(options, TABLE, "a host");
  if (problems.length > 0) throw new OptionsError("Host", problems);
  const { url, slots = 10, maxLeases = 0, hostId = defaultHostId(), namespace = "", buildId = "" } = options;
  const { labels = {}, log = QUIET, drainGraceMs = 10_000 } = options;
  return { url, slots, maxLeases, hostId, namespace, buildId, labels, log, drainGraceMs };
}

export function logProblem(value: unknown): string | null {
  const isFine = ["info", "warn"].every(
    (name) => typeof (value as Record<string, unknown> | null)?.[name] === "function",
  );
  return isFine ? null : `is ${describeValue(value)}; write an object with the functions info and warn`;
}

let namedHosts = 0;

/** A name as the scheduler takes it: the machine and the process; P1: a second host of the process has another. */
function defaultHostId(): string {
  const machine = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, "-")
    .slice(0, 100);
  namedHosts++;
  const name = `${/^[A-Za-z_]/.test(machine) ? "" : "host-"}${machine}-${process.pid}`;
  return namedHosts === 1 ? name : `${name}-${namedHosts}`;
}
