import { type ChildProcess, spawn } from "node:child_process";

export interface ProgramEnd {
  readonly code: number | null;
  readonly output: string;
}

/** A program in any language, whose output can be awaited. */
export class ChildProgram {
  readonly ended: Promise<ProgramEnd>;
  readonly child: ChildProcess;
  #output = "";
  #isOver = false;
  readonly #wake = new Set<() => void>();

  constructor(
    program: string,
    args: readonly string[],
    options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    const child = spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        this.#wakeAll();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        this.#isOver = true;
        this.#wakeAll();
        resolve({ code, output: this.#output });
      });
    });
  }

  /** Resolves once the text is in the output; rejects when the program ends without it. */
  async says(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#isOver) throw new Error(`never said ${text}, but:\n${this.#output}`);
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}
