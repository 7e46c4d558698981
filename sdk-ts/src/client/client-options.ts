import { OptionsError } from "../errors/index.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import { NAMESPACE } from "../task/name-option.js";
import { type Option, readOptions, wholeNumber } from "../task/option-table.js";

export interface ClientOptions {
  /**
   * Address of the scheduler: `grpc://host:port`, or `grpcs://` for TLS. In a browser also `http://host:port` and `https://…`,
   * with a path where a proxy serves the scheduler under one.
   */
  readonly url: string;
  /** `default` by default. */
  readonly namespace?: string;
  /**
   * A call that has no answer after this time fails with `DEADLINE_EXCEEDED`, in milliseconds: 1 to 2,147,483,647; waiting for a
   * run and watching take as long as they take. 30,000 by default.
   */
  readonly callTimeoutMs?: number;
}

/**
 * The options with their defaults.
 *
 * @param address the option `url`, as the protocol of the client takes it
 * @throws OptionsError with everything that is wrong with them
 */
export function checkClientOptions(options: ClientOptions, address: Option): Required<ClientOptions> {
  const table: readonly Option[] = [
    address,
    NAMESPACE,
    { name: "callTimeoutMs", check: wholeNumber(1, MAX_TIMER_MS, " milliseconds") },
  ];
  const { problems } = readOptions(options, table, "a client");
  if (problems.length > 0) throw new OptionsError("Client", problems);
  const { url, namespace = "", callTimeoutMs = 30_000 } = options;
  return { url, namespace, callTimeoutMs };
}
