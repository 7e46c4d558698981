/** Where the demo writes: a terminal, on which a part is drawn again and again, or a pipe, to which lines are appended. */
import { columnsOf, type Line, paint, wantsColour } from "./paint.js";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_BELOW = "\x1b[0J";
const CLEAR_LINE_END = "\x1b[K";
/** Terminals that know it show a frame at once; the others ignore it. */
const FRAME_BEGIN = "\x1b[?2026h";
const FRAME_END = "\x1b[?2026l";

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** Less than this is no place to draw in. */
const FEWEST_ROWS = 12;

/** What a screen needs of a stream: `process.stdout` fits. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

export class Screen {
  /** Whether there is a part that is drawn again. If not, lines tell what happens. */
  readonly isLive: boolean;
  readonly #inColour: boolean;
  /** Columns of each line of the part that was drawn last. */
  #drawn: number[] = [];
  #isCursorHidden = false;

  constructor(readonly out: Output = process.stdout) {
    this.isLive = out.isTTY === true && process.env.TERM !== "dumb" && (out.rows ?? DEFAULT_ROWS) >= FEWEST_ROWS;
    this.#inColour = wantsColour(out);
  }

  get width(): number {
    return this.out.columns ?? DEFAULT_COLUMNS;
  }

  get height(): number {
    return this.out.rows ?? DEFAULT_ROWS;
  }

  /** Appends lines, above nothing: what was drawn stays where it is. */
  print(lines: readonly Line[]): void {
    this.settle();
    for (const line of lines) this.out.write(`${paint(line, Number.POSITIVE_INFINITY, this.#inColour)}\n`);
  }

  /** Draws over what was drawn last. */
  draw(lines: readonly Line[]): void {
    if (!this.isLive) return;
    const { width } = this;
    const shown = lines.slice(0, this.height - 1);
    const text = shown.map((line) => `${paint(line, width, this.#inColour)}${CLEAR_LINE_END}\n`).join("");
    // Where the window became narrower, what was drawn takes more rows now.
    const rows = this.#drawn.reduce((sum, columns) => sum + Math.max(1, Math.ceil(columns / width)), 0);
    const back = rows > 0 ? `\x1b[${rows}A\r` : "";
    const hide = this.#isCursorHidden ? "" : HIDE_CURSOR;
    this.#isCursorHidden = true;
    this.out.write(`${FRAME_BEGIN}${hide}${back}${text}${CLEAR_BELOW}${FRAME_END}`);
    this.#drawn = shown.map((line) => Math.min(width, columnsOf(line)));
  }

  /** What was drawn gives way to lines that stay. */
  replace(lines: readonly Line[]): void {
    this.draw([]);
    this.print(lines);
  }

  /** Leaves what was drawn as it is; the cursor is there again. */
  settle(): void {
    this.#drawn = [];
    if (!this.#isCursorHidden) return;
    this.#isCursorHidden = false;
    this.out.write(SHOW_CURSOR);
  }
}
