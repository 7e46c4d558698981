/** The packages as somebody gets them: packed, and installed in a folder outside of the repository. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { npm } from "../../scripts/lib/process.mjs";
import { packAll } from "../../scripts/packages.mjs";

const run = promisify(execFile);

/** All packages, packed once; what is installed of them goes into projects beside each other. */
export class PackedPackages {
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), "cloaca-consumer-")));
  readonly #tarballs = new Map(
    packAll(join(this.#folder, "tarballs")).map(({ name, tarball }) => [name, `file:${tarball}`]),
  );

  get names(): string[] {
    return [...this.#tarballs.keys()];
  }

  /**
   * Installs packages into a project of their own. The others are there only as far as these depend on them, from their tarballs
   * too; what else is needed comes from npm's cache, or the registry that npm is set to. No scripts run: a scheduler in memory needs
   * nothing that is compiled.
   */
  async install(...names: readonly string[]): Promise<Consumer> {
    const consumer = new Consumer(realpathSync(mkdtempSync(join(this.#folder, "project-"))));
    const tarballs = [...this.#tarballs];
    const dependencies = Object.fromEntries(tarballs.filter(([name]) => names.includes(name)));
    const overrides = Object.fromEntries(tarballs.filter(([name]) => !names.includes(name)));
    consumer.write("package.json", JSON.stringify({ name: "consumer", private: true, dependencies, overrides }));
    consumer.write("esm/package.json", JSON.stringify({ type: "module" }));
    consumer.write("cjs/package.json", "{}");
    const [program, ...args] = npm();
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run(program, [...args, "install", ...quiet], { cwd: consumer.folder });
    return consumer;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A project that has packages installed, with a folder `esm` for ES modules and one `cjs` for CommonJS. */
export class Consumer {
  constructor(readonly folder: string) {}

  /** Writes a file into the project; returns its path. */
  write(name: string, text: string): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** What a program of the project prints; a failure has it in its message. */
  async output(file: string, ...args: readonly string[]): Promise<string> {
    try {
      return (await run(process.execPath, [file, ...args], { cwd: dirname(file) })).stdout;
    } catch (error) {
      const { message, stdout = "" } = error as Error & { readonly stdout?: string };
      throw new Error(`${message}\n${stdout}`, { cause: error });
    }
  }
}
