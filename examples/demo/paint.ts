/** Lines of text with colours, cut to a width. */
import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];

/** A piece of a line: its text, and how it looks. */
export type Span = string | readonly [text: string, style: Style];

export type Line = readonly Span[];

/** Whether a stream takes colours: NO_COLOR, FORCE_COLOR and the terminal decide. */
export function wantsColour(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  if ((env.NO_COLOR ?? "") !== "") return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** The number of columns of a line. All that the demo writes takes one column a character. */
export function columnsOf(line: Line): number {
  return line.reduce((sum, span) => sum + [...textOf(span)].length, 0);
}

/** The line as it is written: no longer than `width`, with an ellipsis where something is missing. */
export function paint(line: Line, width: number, inColour: boolean): string {
  let left = columnsOf(line) > width ? width - 1 : width;
  const isCut = columnsOf(line) > width;
  let out = "";
  for (const span of line) {
    const letters = [...textOf(span)];
    const text = letters.slice(0, left).join("");
    left -= Math.min(left, letters.length);
    out +=
      inColour && typeof span !== "string" && text !== "" ? styleText(span[1], text, { validateStream: false }) : text;
  }
  return (isCut ? `${out}…` : out).trimEnd();
}

function textOf(span: Span): string {
  return typeof span === "string" ? span : span[0];
}
