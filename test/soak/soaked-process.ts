/** A process that is watched for leaks: its memory and its open files, second by second. */
import { readdirSync } from "node:fs";
import { residentKib } from "../../bench/src/processes/usage.js";
import { type Line, lineThrough } from "./slope.js";

/** Memory that may come and go without anything being kept. */
const SLACK_KIB = 16 * 1024;
const SLACK_PART = 0.1;
/** Connections that happen to be open at one look and not at the other. */
const SLACK_FILES = 8;

export interface Check {
  readonly what: string;
  readonly found: string;
  readonly isGood: boolean;
}

export class SoakedProcess {
  readonly #memory: (readonly [minutes: number, kib: number])[] = [];
  readonly #files: number[] = [];

  constructor(
    readonly name: string,
    readonly pid: number,
  ) {}

  look(minutes: number): void {
    this.#memory.push([minutes, residentKib(this.pid)]);
    this.#files.push(readdirSync(`/proc/${this.pid}/fd`).length);
  }

  /** What grew from `fromMinutes` on. */
  checks(fromMinutes: number): Check[] {
    const settled = this.#memory.filter(([minutes]) => minutes >= fromMinutes);
    const line = lineThrough(settled);
    const minutes = (settled.at(-1)?.[0] ?? 0) - (settled[0]?.[0] ?? 0);
    const files = this.#files.slice(-settled.length);
    const third = Math.max(1, Math.floor(files.length / 3));
    const [first, last] = [median(files.slice(0, third)), median(files.slice(-third))];
    return [
      { what: `${this.name}: memory is flat`, found: memoryText(line, minutes), isGood: isFlat(line, minutes) },
      {
        what: `${this.name}: open files`,
        found: `${first} in the first third, ${last} in the last`,
        isGood: last <= first + SLACK_FILES,
      },
    ];
  }
}

function isFlat({ slope, mean }: Line, minutes: number): boolean {
  return slope * minutes <= Math.max(SLACK_KIB, SLACK_PART * mean);
}

function memoryText({ slope, error, mean }: Line, minutes: number): string {
  const sign = slope < 0 ? "−" : "+";
  const text = `${sign}${Math.abs(slope).toFixed(0)} KiB/min (± ${error.toFixed(0)})`;
  return `${text} over ${minutes.toFixed(1)} min, at ${Math.round(mean / 1024)} MiB`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
