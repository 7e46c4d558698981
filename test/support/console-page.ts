/** A page whose `console` blocks are sessions of a shell: runs what it shows, and writes it anew with what happened. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";

/** What is another at each time, by what it is. What matches the same is the same. */
const VARIABLES: Readonly<Record<string, RegExp>> = {
  run: /\br[0-9a-z]{21}\b/g,
  session: /\bs[0-9a-v]{16}\b/g,
  "resume token": /(?<="resumeToken": ?")[\w-]{32}(?=")/g,
  time: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g,
  cursor: /(?<="cursor": ?")[\w-]+(?=")/g,
  duration: /(?<=\bfor )[\d.]+ ?\w+(?= so far)/g,
};

/** Times that are left out where they are 0, as those of less than a millisecond are. */
const SPANS = /,\s*"(?:waitedMs|slotHeldMs|lastHeardMs|mainLoopLagMs)": ?"?\d+"?/g;

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
  readonly output: string;
}

const FENCE = /^```console\n([\s\S]*?)^```$/gm;

/** Executes the commands of all blocks of a text in one shell, in order; returns the text with what they printed. */
export async function replay(text: string, shell: Shell): Promise<string> {
  const blocks = [...text.matchAll(FENCE)].map(([, block = ""]) => commandsOf(block));
  const outputs = (await run(blocks.flat(), shell)).values();
  const written = blocks.map((commands) =>
    commands.map(({ shown, output }) => `${shown}${kept(output, outputs.next().value ?? "")}`).join(""),
  );
  const next = written.values();
  return text.replace(FENCE, () => `\`\`\`console\n${next.next().value ?? ""}\`\`\``);
}

/** What the page has stays where nothing differs but what always does. */
function kept(shown: string, printed: string): string {
  return normal(shown) === normal(printed) ? shown : printed;
}

function normal(output: string): string {
  return Object.entries(VARIABLES).reduce(
    (text, [name, pattern]) => text.replace(pattern, `<${name}>`),
    output.replace(SPANS, ""),
  );
}

/** `$ ` begins a command, `> ` goes on with it; what follows is its output. */
function commandsOf(block: string): Command[] {
  const found = [...block.matchAll(/^\$ .*\n(?:> .*\n)*/gm)];
  if (found[0]?.index !== 0) throw new Error(`a block begins without a command: ${block}`);
  return found.map((match, at) => ({
    source: match[0].replace(/^[$>] /gm, ""),
    shown: match[0],
    output: block.slice(match.index + match[0].length, found[at + 1]?.index),
  }));
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
