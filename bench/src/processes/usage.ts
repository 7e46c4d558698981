/** What a process uses, as the system counts it. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** Resident memory in KiB. */
export function residentKib(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return Number(ps(pid, "rss="));
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, "utf8"))?.[1]);
}

/** Time on a CPU so far, in milliseconds; in steps of 10 ms. */
export function cpuMs(pid: number): number {
  const stat = `/proc/${pid}/stat`;
  if (existsSync(stat)) {
    // After the command's name in parentheses, which may hold spaces: fields 14 and 15 are ticks of 10 ms.
    const fields = readFileSync(stat, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
  const parts = ps(pid, "time=").split(":").map(Number);
  return parts.reduce((sum, part) => sum * 60 + part, 0) * 1_000;
}

function ps(pid: number, field: string): string {
  return execFileSync("ps", ["-o", field, "-p", String(pid)], { encoding: "utf8" }).trim();
}
