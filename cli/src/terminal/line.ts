/** Lines of text with colours, cut to a width. */
import { styleText } from "node:util";
import { columnsOf, fit, oneLine } from "./text.js";

export type Style = Parameters<typeof styleText>[0];

/** A piece of a line: its text, and how it looks. */
export type Span = string | readonly [text: string, style: Style];

export type Line = readonly Span[];

export function spanText(span: Span): string {
  return oneLine(typeof span === "string" ? span : span[0]);
}

/** Columns that a line takes. */
export function lineColumns(line: Line): number {
  return line.reduce((sum, span) => sum + columnsOf(spanText(span)), 0);
}

/** A line of no more than `width` columns, with an ellipsis where something is missing. */
export function cut(line: Line, width: number): Line {
  if (lineColumns(line) <= width) return line;
  if (width < 1) return [];
  let left = width - 1;
  const kept: Span[] = [];
  for (const span of line) {
    const text = fit(spanText(span), left);
    const style = typeof span === "string" ? null : span[1];
    const isWhole = text === spanText(span);
    kept.push(style === null ? text : [text, style]);
    left -= columnsOf(text);
    if (isWhole) continue;
    kept.push(style === null ? "…" : ["…", style]);
    return kept;
  }
  return kept;
}

/** The line as it is written, no longer than `width`. */
export function paint(line: Line, width: number, inColour: boolean): string {
  const out = cut(line, width)
    .map((span) => {
      const text = spanText(span);
      return inColour && typeof span !== "string" && text.trim() !== ""
        ? styleText(span[1], text, { validateStream: false })
        : text;
    })
    .join("");
  return out.trimEnd();
}

/** Words at which a long text is broken into lines of `width` columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of oneLine(text).split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && columnsOf(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
