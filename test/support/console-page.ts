/** A page whose `console` blocks are sessions of a shell: runs what it shows, and writes it anew with what happened. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";

/** What is another at each time, and names one thing: the same stands for the same in all that a text shows. */
const IDS: Readonly<Record<string, RegExp>> = {
  run: /\br[0-9a-z]{21}\b/g,
  session: /\bs[0-9a-v]{16}\b/g,
  "resume token": /(?<="resumeToken": ?")[\w-]{32}(?=")/g,
  cursor: /(?<="cursor": ?")[\w-]+(?=")/g,
};

/** What is another at each time, and may be the same by chance. */
const TIMES: Readonly<Record<string, RegExp>> = {
  time: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g,
  duration: /(?<=\bfor )[\d.]+ ?\w+(?= so far)/g,
};

/** JSON leaves a 0 out, as a wait of less than a millisecond is: at this place it stands with any value, or not at all. */
const WAITED = /("outcome": ?"DEFERRAL_OUTCOME_\w+")(?:,\s*"waitedMs": ?\d+)?/g;

export interface Shell {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Texts of the page and what stands for them here, such as an address. */
  readonly replace: Readonly<Record<string, string>>;
}

interface Command {
  /** Its lines, without prompts. */
  readonly source: string;
  /** As the page has it, with prompts. */
  readonly shown: string;
}

const FENCE = /^```console\n([\s\S]*?)^```$/gm;

/**
 * Executes the commands of all blocks of a text in one shell, in order; returns the text with what they printed. It stays as a whole
 * where nothing differs but what always does, or else is written anew as a whole: what it shows is one session.
 */
export async function replay(text: string, shell: Shell): Promise<string> {
  const blocks = [...text.matchAll(FENCE)].map(([, block = ""]) => commandsOf(block));
  const outputs = (await run(blocks.flat(), shell)).values();
  const written = blocks
    .map((commands) => commands.map(({ shown }) => `${shown}${outputs.next().value ?? ""}`).join(""))
    .values();
  const replayed = text.replace(FENCE, () => `\`\`\`console\n${written.next().value ?? ""}\`\`\``);
  return normal(text) === normal(replayed) ? text : replayed;
}

/** Ids become `<run 1>`, `<run 2>`, … as they first appear. */
function normal(text: string): string {
  const timeless = Object.entries(TIMES).reduce(
    (replaced, [name, pattern]) => replaced.replace(pattern, `<${name}>`),
    text.replace(WAITED, '$1, "waitedMs": <span>'),
  );
  return Object.entries(IDS).reduce((replaced, [name, pattern]) => {
    const seen: string[] = [];
    return replaced.replace(pattern, (id) => {
      if (!seen.includes(id)) seen.push(id);
      return `<${name} ${seen.indexOf(id) + 1}>`;
    });
  }, timeless);
}

/** `$ ` begins a command, `> ` goes on with it; what follows is its output. */
function commandsOf(block: string): Command[] {
  const found = [...block.matchAll(/^\$ .*\n(?:> .*\n)*/gm)];
  if (found[0]?.index !== 0) throw new Error(`a block begins without a command: ${block}`);
  return found.map(([shown]) => ({ source: shown.replace(/^[$>] /gm, ""), shown }));
}

/** What each command prints, both to the standard output and to the standard error. */
async function run(commands: readonly Command[], { env, cwd, replace }: Shell): Promise<string[]> {
  const marker = randomUUID();
  const there = (text: string): string =>
    Object.entries(replace).reduce((replaced, [here, real]) => replaced.replaceAll(here, real), text);
  const back = (text: string): string =>
    Object.entries(replace).reduce((replaced, [here, real]) => replaced.replaceAll(real, here), text);
  const script = commands.map(({ source }) => `${there(source)}printf '\\n%s' ${marker}\n`).join("");
  const child = spawn("bash", ["-c", `exec 2>&1\n${script}`], { env, cwd, stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const outputs = back(printed).split(`\n${marker}`).slice(0, -1);
  if (outputs.length !== commands.length) throw new Error(`the shell ended early: ${printed}`);
  // Some end their last line, some do not; there is a line more in either case.
  return outputs.map((output) => (output.trim() === "" ? "" : `${output.replace(/\n+$/, "")}\n`));
}
