/** What a command works with while it runs: the scheduler, and the places where it prints. */
import { Client } from "@cloaca/sdk/client";
import type { Command } from "commander";
import type { CommandError, Hint } from "./command-error.js";
import { EXIT, type ExitCode } from "./exit-code.js";
import { type Io, ioOf } from "./io.js";
import { type JsonValue, toJson } from "./json/raw-json.js";
import { type Settings, saysJson, settingsOf } from "./settings.js";
import type { Line } from "./terminal/line.js";
import { Screen, wantsColour } from "./terminal/screen.js";
import { toCommandError } from "./told-error.js";

/** A scheduler that takes longer than this is as good as none, to somebody who waits. */
const CALL_TIMEOUT_MS = 15_000;

export class Session {
  readonly screen: Screen;
  readonly #err: Screen;
  #client: Client | null = null;

  constructor(
    readonly settings: Settings,
    { out, err, env }: Omit<Io, "exit">,
  ) {
    this.screen = new Screen(out, env, wantsColour(settings.mayColour, out, env));
    this.#err = new Screen(err, env, wantsColour(settings.mayColour, err, env));
  }

  get client(): Client {
    const { address: url, namespace } = this.settings;
    this.#client ??= new Client({ url, namespace, callTimeoutMs: CALL_TIMEOUT_MS });
    return this.#client;
  }

  /** Prints for people, or for programs, as `--json` says. */
  show(json: () => JsonValue, lines: () => readonly Line[]): void {
    if (this.settings.isJson) this.screen.raw(`${toJson(json())}\n`);
    else this.screen.print(lines());
  }

  /** A command to run next, for the same scheduler. */
  command(text: string): string {
    const isElsewhere = /^cloaca (server\b|--)|--address|--help/.test(text);
    return isElsewhere ? text : [text, ...this.settings.flags].join(" ");
  }

  /** Proposals, below what was printed. */
  next(hints: readonly Hint[]): Line[] {
    const widest = Math.max(0, ...hints.map(({ command }) => this.command(command).length));
    return hints.map(({ what, command }): Line => {
      const text = this.command(command);
      return ["  ", [text.padEnd(widest), "bold"], "   ", [what, "dim"]];
    });
  }

  /** Tells of something that is no failure, where it is not in the way of the output. */
  warn(text: string): void {
    if (!this.settings.isJson) this.#err.print([[[text, "yellow"]]]);
  }

  report(error: CommandError): void {
    const { code, message, exitCode, hints } = error;
    if (this.settings.isJson) {
      const next = hints.map(({ what, command }) => ({ what, command: this.command(command) }));
      this.#err.raw(`${toJson({ error: { code, message, exitCode, next } })}\n`);
      return;
    }
    const [first = "", ...more] = `${code}: ${message}`.split("\n");
    const rest = more.map((line): Line => ["  ", line]);
    this.#err.print([[["error: ", "red"], first], ...rest, ...this.next(hints)]);
  }

  close(): void {
    this.screen.settle();
    this.#client?.close();
  }
}

/** A command's work; the exit code when it is not 0. */
// biome-ignore lint/suspicious/noConfusingVoidType: a command that says nothing has ended well
export type Work = (session: Session) => Promise<ExitCode | void>;

/** Runs a command to its exit code, and tells of what goes wrong. */
export async function runCommand(command: Command, work: Work): Promise<void> {
  const io = ioOf(command);
  let session: Session | null = null;
  try {
    session = new Session(settingsOf(command, io.env), io);
    io.exit((await work(session)) ?? EXIT.ok);
  } catch (error) {
    // Where the settings themselves are wrong, it is told without them.
    const isJson = saysJson(command);
    session ??= new Session({ address: "", namespace: "", isJson, mayColour: true, flags: [] }, io);
    const told = toCommandError(error);
    session.screen.settle();
    // The terminal has echoed ^C where the error is to stand.
    if (told.exitCode === EXIT.interrupted && session.screen.isLive) session.screen.raw("\r\x1b[K");
    session.report(told);
    io.exit(told.exitCode);
  } finally {
    session?.close();
  }
}
