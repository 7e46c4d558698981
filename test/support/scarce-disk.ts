/** Folders whose disk a test can fill up, in the ways that a machine has. */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface ScarceDisk {
  readonly folder: string;
  /** From here on the process can write nothing more. */
  fill(pid: number): void;
  free(pid: number): void;
  /** Takes the folder away, unless it is gone. */
  remove(): void;
}

/** Why there is no such disk here; null where there is one. */
export function whyNoSmallDisk(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root of Linux may mount a small disk";
  const folder = mkdtempSync(join(tmpdir(), "cloaca-disk-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  if (mounted.status === 0) execFileSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
  return mounted.status === 0 ? null : "mounting a small disk is not allowed here";
}

export function whyNoSizeLimit(): string | null {
  return spawnSync("prlimit", ["--version"]).status === 0 ? null : "there is no prlimit here";
}

/** A disk of its own of so many MiB, in memory. */
export function smallDisk(mib: number): ScarceDisk & { remount(how: "ro" | "rw"): void } {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", folder]);
  const filler = join(folder, "filler");
  return {
    folder,
    fill() {
      const file = openSync(filler, "w");
      try {
        for (let block = Buffer.alloc(64 * 1024); ; ) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    remount: (how) => void execFileSync("mount", ["-o", `remount,${how}`, folder]),
    remove() {
      execFileSync("umount", [folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A folder in which the files of a process may grow no further than they are allowed to: EFBIG instead of ENOSPC. */
export function limitedFiles(): ScarceDisk {
  const folder = mkdtempSync(join(tmpdir(), "cloaca-disk-"));
  const limit = (pid: number, bytes: string): void =>
    void execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:unlimited`]);
  return {
    folder,
    fill: (pid) => limit(pid, "4096"),
    free: (pid) => limit(pid, "unlimited"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
