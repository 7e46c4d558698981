/** The packages as somebody gets them: packed, and installed in a folder outside of the repository. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { npm } from "../../scripts/lib/process.mjs";
import { packAll } from "../../scripts/packages.mjs";

const run = promisify(execFile);

export class Consumer {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "cloaca-consumer-")));

  /**
   * Installs every package from its tarball; what they need comes from npm's cache, or the registry that npm is set to. No scripts
   * run: a scheduler in memory needs nothing that is compiled.
   */
  static async install(): Promise<Consumer> {
    const consumer = new Consumer();
    const packed = packAll(join(consumer.folder, "tarballs"));
    const dependencies = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
    consumer.write("package.json", JSON.stringify({ name: "consumer", private: true, dependencies }));
    const [program, ...args] = npm();
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run(program, [...args, "install", ...quiet], { cwd: consumer.folder });
    return consumer;
  }

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

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
