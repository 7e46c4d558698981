/** Where a command writes: a terminal, on which a frame is drawn again and again, or a pipe, to which lines are appended. */
import { type Line, lineColumns, paint } from "./line.js";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_BELOW = "\x1b[0J";
const CLEAR_LINE_END = "\x1b[K";
/** Terminals that know it show a frame at once; the others ignore it. */
const FRAME_BEGIN = "\x1b[?2026h";
const FRAME_END = "\x1b[?2026l";

const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;

/** What a screen needs of a stream: `process.stdout` fits. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export class Screen {
  readonly #out: Output;
  readonly #env: NodeJS.ProcessEnv;
  /** Columns of each line of the frame that was drawn last. */
  #drawn: number[] = [];
  #isCursorHidden = false;

  constructor(
    out: Output,
    env: NodeJS.ProcessEnv,
    readonly inColour: boolean,
  ) {
    this.#out = out;
    this.#env = env;
  }

  /** Whether frames can be drawn over each other. */
  get isLive(): boolean {
    return this.#out.isTTY === true && this.#env["TERM"] !== "dumb";
  }

  /** Columns that a line may take. Where no terminal says it, COLUMNS does, and else there is no end. */
  get width(): number {
    if (this.#out.isTTY === true) return this.#out.columns || DEFAULT_COLUMNS;
    const said = Number(this.#env["COLUMNS"]);
    return Number.isInteger(said) && said > 0 ? said : Number.POSITIVE_INFINITY;
  }

  get height(): number {
    return this.#out.rows || DEFAULT_ROWS;
  }

  /** Appends lines, below what was drawn. */
  print(lines: readonly Line[]): void {
    this.settle();
    // Cut where a line is made to fit, never here: what a terminal breaks is still there to be read and copied.
    const text = lines.map((line) => `${paint(line, Number.POSITIVE_INFINITY, this.inColour)}\n`).join("");
    if (text !== "") this.#out.write(text);
  }

  /** Writes as it is. */
  raw(text: string): void {
    this.#out.write(text);
  }

  /** Draws over what was drawn last. What does not fit on the screen is left out at the end. */
  draw(lines: readonly Line[]): void {
    if (!this.isLive) return;
    const { width } = this;
    const shown = lines.slice(0, Math.max(1, this.height - 1));
    const text = shown.map((line) => `${paint(line, width, this.inColour)}${CLEAR_LINE_END}\n`).join("");
    // Where the window became narrower, what was drawn takes more rows now.
    const rows = this.#drawn.reduce((sum, columns) => sum + Math.max(1, Math.ceil(columns / width)), 0);
    const back = rows > 0 ? `\x1b[${rows}A\r` : "";
    const hide = this.#isCursorHidden ? "" : HIDE_CURSOR;
    this.#isCursorHidden = true;
    this.#out.write(`${FRAME_BEGIN}${hide}${back}${text}${CLEAR_BELOW}${FRAME_END}`);
    this.#drawn = shown.map((line) => Math.min(width, lineColumns(line)));
  }

  /** Leaves what was drawn as it is; the cursor is there again. */
  settle(): void {
    this.#drawn = [];
    if (!this.#isCursorHidden) return;
    this.#isCursorHidden = false;
    this.#out.write(SHOW_CURSOR);
  }
}

/** Whether a stream takes colours: the flag, NO_COLOR, FORCE_COLOR and the terminal decide, in this order. */
export function wantsColour(
  flag: boolean,
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (!flag || (env["NO_COLOR"] ?? "") !== "") return false;
  const force = env["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
