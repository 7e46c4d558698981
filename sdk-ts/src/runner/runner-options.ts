import { OptionsError } from "../errors/index.js";
import { MAX_PORT } from "../protocol/number-limits.js";
import { describeValue } from "../task/describe-value.js";
import { type Option, readOptions } from "../task/option-table.js";
import type { HostLog } from "./host-log.js";
import { addressProblem, logProblem, slotsProblem } from "./host-options.js";

export interface DefaultRunnerOptions {
  /** `memory:`, `sqlite://<path>`, or the address of a scheduler: `grpc://host:port`, `grpcs://host:port`. */
  readonly url: string;
  /** Tasks that may hold a slot at once, 0 to 100,000. 10 by default. */
  readonly slots?: number;
  /**
   * Where an embedded scheduler listens, so that grpcurl and other hosts reach it: `host:port`; port 0 takes a free one. A free port
   * of loopback by default.
   */
  readonly listen?: string;
  /** Hears what the runner's host tells about itself; silent by default. `console` fits. */
  readonly log?: HostLog;
}

const FORMS = "write memory:, sqlite://<path>, grpc://host:port or grpcs://host:port";
const LISTEN_FORM = "write host:port, such as 127.0.0.1:7233; port 0 takes a free one";

const TABLE: readonly Option[] = [
  { name: "url", check: urlProblem, missing: `is missing; ${FORMS}` },
  { name: "slots", check: slotsProblem },
  { name: "listen", check: listenProblem },
  { name: "log", check: logProblem },
];

/** Throws OptionsError with everything that is wrong. */
export function checkRunnerOptions(options: DefaultRunnerOptions): DefaultRunnerOptions {
  const { problems } = readOptions(options, TABLE, "a runner");
  if (problems.length > 0) throw new OptionsError("DefaultRunner", problems);
  return options;
}

/** Whether the scheduler runs in this process. */
export function isEmbedded(url: string): boolean {
  return url.startsWith("sqlite://") || url.startsWith("memory:");
}

/** A scheme has to be written: without one, the name of a file and a port would look alike. */
function urlProblem(value: unknown): string | null {
  if (typeof value !== "string") return `is ${describeValue(value)}; ${FORMS}`;
  if (isEmbedded(value)) return null;
  return /^grpcs?:\/\//.test(value) ? addressProblem(value) : `is ${describeValue(value)}; ${FORMS}`;
}

function listenProblem(value: unknown): string | null {
  const port = typeof value === "string" ? /^(?:\[[0-9a-fA-F:.]+\]|[^:/\s]+):(\d{1,5})$/.exec(value)?.[1] : undefined;
  if (port === undefined) return `is ${describeValue(value)}; ${LISTEN_FORM}`;
  return Number(port) <= MAX_PORT ? null : `is ${describeValue(value)}, and ports end at ${MAX_PORT}; ${LISTEN_FORM}`;
}
