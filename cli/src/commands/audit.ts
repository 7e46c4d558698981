/** `cloaca audit`: the slot ledger. Replays the log of a scheduler, or of a store's file, and checks the books. */
import type { AuditReport } from "@cloaca/server/audit";
import { Command, Option } from "commander";
import { WireLog } from "../audit/wire-log.js";
import { CommandError } from "../command-error.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { auditJson } from "../json/audit-shape.js";
import { parseStoreFile, wholeNumber } from "../options.js";
import { runCommand, type Session } from "../session.js";
import { auditPage } from "../views/audit-page.js";

interface AuditFlags {
  /** Path of the file. */
  readonly store?: string;
  readonly limit: number;
}

const FRAME_MS = 200;

export function auditCommand(): Command {
  return new Command("audit")
    .description("replay the event log and check the books: slots, leases, attempts, statuses")
    .addOption(
      new Option(
        "--store <url>",
        "sqlite://<path>: a store's file, or a copy of one, instead of a scheduler",
      ).argParser(parseStoreFile),
    )
    .addOption(
      new Option("--limit <number>", "breaches to print, of all that are counted")
        .default(100)
        .argParser(wholeNumber(1, 100_000)),
    )
    .addHelpText(
      "after",
      `
The exit code is 0 when the books are right, and 1 when they are not. A file is opened for reading alone, also while a scheduler
has it; it takes no lock and migrates nothing.

Examples:
  cloaca audit
  cloaca audit --store sqlite://copy.db --json | jq '.breaches[]'`,
    )
    .action((flags: AuditFlags, command: Command) => runCommand(command, (session) => audit(session, flags)));
}

async function audit(session: Session, { store, limit }: AuditFlags): Promise<ExitCode> {
  const { settings } = session;
  if (store !== undefined && settings.flags.includes("--address")) {
    throw CommandError.usage("name a store's file or a scheduler, not both", "audit");
  }
  let drawnAt = 0;
  const onProgress = (events: number): void => {
    const now = Date.now();
    if (settings.isJson || now - drawnAt < FRAME_MS) return;
    drawnAt = now;
    session.screen.draw([[[`${events.toLocaleString("en")} events`, "dim"]]]);
  };
  const options = { keep: limit, onProgress };
  const report = await (store === undefined ? auditScheduler(session, options) : auditStore(store, options));
  const source = store ?? settings.address;
  session.screen.draw([]);
  session.show(
    () => auditJson(source, report),
    () => auditPage(source, report, session.screen.width),
  );
  return report.breachCount === 0 ? EXIT.ok : EXIT.failed;
}

type Options = Parameters<typeof import("@cloaca/server/audit").auditFile>[1];

async function auditScheduler({ client, settings }: Session, options: Options): Promise<AuditReport> {
  // A call that ends when nobody answers: a stream has no deadline.
  await client.list({ pageSize: 1 });
  // The scheduler's code takes its time to load, and no other command needs it.
  const { auditLog } = await import("@cloaca/server/audit");
  return auditLog(new WireLog(client, settings.namespace), options);
}

async function auditStore(path: string, options: Options): Promise<AuditReport> {
  const { auditFile, CloacaError } = await import("@cloaca/server/audit");
  try {
    return await auditFile(path, options);
  } catch (error) {
    if (!(error instanceof CloacaError)) throw error;
    const { code, message } = error;
    const hints = [{ what: "see how it is used", command: "cloaca audit --help" }];
    throw new CommandError(message, { exitCode: EXIT.refused, code, hints });
  }
}
