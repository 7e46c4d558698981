/** What the methods of a client may be given. What is wrong is said here, before anything is sent. */
import { OptionsError } from "../errors/index.js";
import { MAX_TIMER_MS } from "../protocol/number-limits.js";
import { RUN_EVENT_TYPES, RUN_STATUSES } from "../protocol/run-calls.js";
import { givenProblems } from "../task/given-workflow.js";
import { listOf, type Option, oneOf, readOptions, text, wholeNumber } from "../task/option-table.js";
import { SIGNAL } from "../task/signal-option.js";

/** Longest id, name, token or cursor that is worth asking for, in UTF-16 units. */
const MAX_ID = 1_000;
/** Longest text for people that is sent; the scheduler keeps the first 1,024 units. */
const MAX_REASON = 1024 * 1024;
/** Longest request id. */
export const MAX_REQUEST_ID = 256;
const MAX_PAGE_SIZE = 1_000;

const id = text(MAX_ID);
const reason: Option = { name: "reason", check: text(MAX_REASON) };

const ARGUMENTS: readonly Option[] = [
  { name: "runId", check: id, missing: "is missing; pass the id of a run" },
  { name: "name", check: id, missing: "is missing; pass the name of a workflow" },
  { name: "hostId", check: id, missing: "is missing; pass the id of a host" },
  { name: "version", check: id },
  { name: "tasks", ...listOf({ check: id }) },
  SIGNAL,
  reason,
];

export const LIST_QUERY: readonly Option[] = [
  { name: "workflow", check: id },
  { name: "statuses", ...listOf(oneOf(...RUN_STATUSES)) },
  { name: "pageSize", check: wholeNumber(0, MAX_PAGE_SIZE, ", 0 for the usual 100") },
  { name: "pageToken", check: id },
];

export const WATCH_QUERY: readonly Option[] = [
  { name: "runId", check: id },
  { name: "workflow", check: id },
  { name: "types", ...listOf(oneOf(...RUN_EVENT_TYPES)) },
  { name: "cursor", check: id },
  { name: "fromStart", ...oneOf(true, false) },
  { name: "untilEnd", ...oneOf(true, false) },
];

export const RETRY_OPTIONS: readonly Option[] = [{ name: "requestId", check: text(MAX_REQUEST_ID) }];

export const DRAIN_OPTIONS: readonly Option[] = [
  { name: "graceMs", check: wholeNumber(0, MAX_TIMER_MS, " milliseconds") },
  reason,
];

/**
 * Looks at what a method was given.
 *
 * @param call the method, for messages: `client.list`
 * @param given its arguments by name
 * @param options its options, when it takes some, with the table of those that there are
 * @throws OptionsError with everything that is wrong
 */
export function checkArguments(
  call: string,
  given: Readonly<Record<string, unknown>>,
  options?: { readonly given: unknown; readonly table: readonly Option[] },
): void {
  const table = ARGUMENTS.filter(({ name }) => Object.hasOwn(given, name));
  const { problems } = readOptions(given, table, call);
  if (options !== undefined) problems.push(...readOptions(options.given, options.table, call).problems);
  if (problems.length > 0) throw new OptionsError(call, problems);
}

/** @throws OptionsError with everything for which the value is no workflow */
export function checkWorkflow(call: string, value: unknown): void {
  const problems = givenProblems(value);
  if (problems.length > 0) throw new OptionsError(call, problems);
}
