/** `cloaca server`: a scheduler in the foreground. */
import { CloacaError, DEFAULT_LIMITS, type EngineLog, type RunningServer, startServer } from "@cloaca/server";
import { Command, Option } from "commander";
import { pino } from "pino";
import { origins, parseAddress, parseDuration, parseStore, parseSwitch, wholeNumber } from "./options.js";

interface ServerFlags {
  readonly address: string;
  readonly store: string;
  readonly logLevel: string;
  readonly logFormat: "json" | "pretty" | "auto";
  readonly sessionTtlMs: number;
  readonly maxPatchBytes: number;
  readonly maxContextBytes: number;
  readonly maxMessageBytes: number;
  readonly allowOrigin: readonly string[];
  readonly keepRunsFor?: number;
  readonly keepRuns?: number;
  readonly checkBooks?: boolean;
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const CHECK_BOOKS = "CLOACA_CHECK_BOOKS";
const MIB = 1024 * 1024;

export function serverCommand(): Command {
  const limit = (flag: string, doc: string, env: string, value: number, least: number, most: number): Option =>
    new Option(flag, doc).env(env).default(value).argParser(wholeNumber(least, most));
  return new Command("server")
    .addOption(
      new Option("--address <host:port>", "where to listen; port 0 takes a free one")
        .env("CLOACA_ADDRESS")
        .default("127.0.0.1:7233")
        .argParser(parseAddress),
    )
    .addOption(
      new Option("--store <url>", "memory: or sqlite://<path>")
        .env("CLOACA_STORE")
        .default("sqlite://cloaca.db")
        .argParser(parseStore),
    )
    .addOption(
      new Option("--log-level <level>", "what to log").env("CLOACA_LOG_LEVEL").default("info").choices(LOG_LEVELS),
    )
    .addOption(
      new Option("--log-format <format>", "auto is pretty on a terminal, json elsewhere")
        .env("CLOACA_LOG_FORMAT")
        .default("auto")
        .choices(["auto", "json", "pretty"]),
    )
    .addOption(
      limit(
        "--session-ttl-ms <ms>",
        "silence after which a host is lost",
        "CLOACA_SESSION_TTL_MS",
        DEFAULT_LIMITS.sessionTtlMs,
        DEFAULT_LIMITS.minSessionTtlMs,
        DEFAULT_LIMITS.maxSessionTtlMs,
      ),
    )
    .addOption(
      limit(
        "--max-patch-bytes <bytes>",
        "largest patch of a task",
        "CLOACA_MAX_PATCH_BYTES",
        DEFAULT_LIMITS.maxPatchBytes,
        1024,
        256 * MIB,
      ),
    )
    .addOption(
      limit(
        "--max-context-bytes <bytes>",
        "largest input of a task",
        "CLOACA_MAX_CONTEXT_BYTES",
        DEFAULT_LIMITS.maxContextBytes,
        1024,
        256 * MIB,
      ),
    )
    .addOption(
      limit(
        "--max-message-bytes <bytes>",
        "largest message or workflow",
        "CLOACA_MAX_MESSAGE_BYTES",
        DEFAULT_LIMITS.maxMessageBytes,
        64 * 1024,
        1024 * MIB,
      ),
    )
    .addOption(
      new Option("--allow-origin <origin...>", "web pages that may call, such as https://page.example; * for all")
        .env("CLOACA_ALLOW_ORIGIN")
        .default([], "none")
        .argParser(origins),
    )
    .addOption(
      new Option("--keep-runs-for <duration>", "purge runs so long after their end, for example 30d; left out: never")
        .env("CLOACA_KEEP_RUNS_FOR")
        .argParser(parseDuration),
    )
    .addOption(
      new Option("--keep-runs <number>", "purge all but so many of the runs that ended last; left out: never")
        .env("CLOACA_KEEP_RUNS")
        .argParser(wholeNumber(0, 1_000_000_000)),
    )
    .addOption(new Option("--check-books", "check the invariants after every turn (slow)").env(CHECK_BOOKS))
    .action(runServer);
}

async function runServer(flags: ServerFlags, command: Command): Promise<void> {
  if (flags.maxPatchBytes + flags.maxContextBytes >= flags.maxMessageBytes) {
    const needed = flags.maxPatchBytes + flags.maxContextBytes;
    command.error(
      `error: --max-message-bytes ${flags.maxMessageBytes} must be more than --max-patch-bytes and --max-context-bytes together (${needed}): a lease carries both`,
    );
  }
  const checkBooks = switchedOn(flags.checkBooks, command);
  let server: RunningServer;
  try {
    const { sessionTtlMs, maxPatchBytes, maxContextBytes, maxMessageBytes } = flags;
    const limits = { sessionTtlMs, maxPatchBytes, maxContextBytes, maxMessageBytes };
    const { address, store, allowOrigin: allowOrigins, keepRunsFor: keepRunsForMs, keepRuns } = flags;
    const retention = { keepRunsForMs, keepRuns };
    server = await startServer({
      address,
      store,
      allowOrigins,
      limits,
      ...retention,
      log: await logTo(flags),
      checkBooks,
    });
  } catch (error) {
    const { code, message } = CloacaError.from(error);
    return command.error(`error: ${code}: ${message}`, { exitCode: 1, code });
  }
  stopOnSignal(server);
  // It has said so in its log. Who supervises the process starts another, which reads what is there.
  void server.storeLost
    .then(() => server.stop())
    .catch(() => {})
    .finally(() => process.exit(1));
}

/** Commander takes any value of a switch's variable, `0` too, for on. */
function switchedOn(checkBooks: boolean | undefined, command: Command): boolean {
  if (command.getOptionValueSource("checkBooks") !== "env") return checkBooks ?? false;
  const text = process.env[CHECK_BOOKS] ?? "";
  return (
    parseSwitch(text) ??
    command.error(
      `error: option '--check-books' value '${text}' from env '${CHECK_BOOKS}' is invalid. Expected 1, true, on, 0, false or off.`,
    )
  );
}

/** The first signal stops in order, a second one at once. */
function stopOnSignal(server: RunningServer): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

async function logTo({ logLevel, logFormat }: ServerFlags): Promise<EngineLog> {
  const isPretty = logFormat === "pretty" || (logFormat === "auto" && process.stdout.isTTY);
  // Synchronous where people read, so that the last line is there when the process ends.
  const stream = isPretty
    ? (await import("pino-pretty")).default({ sync: true, ignore: "pid,hostname" })
    : pino.destination({ sync: true });
  const logger = pino({ level: logLevel }, stream);
  return {
    info: (event, fields) => logger.info({ event, ...fields }, event),
    warn: (event, fields) => logger.warn({ event, ...fields }, event),
    error: (event, fields) => logger.error({ event, ...fields }, event),
  };
}
