/** Text of anybody, made fit for a line of a terminal. */
import stringWidth from "string-width";

/** Ends of lines in texts that are shown in one line. */
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;
/** Control characters, and those that turn the direction of what follows: a task's message must not write elsewhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** One line, without anything that a terminal would obey. */
export function oneLine(text: string): string {
  return text.replace(LINE_END, " ⏎ ").replaceAll("\t", " ").replace(CONTROL, "�");
}

/** Columns that a text takes on a terminal. */
export function columnsOf(text: string): number {
  return stringWidth(text);
}

/** As much of a text as fits into `columns`, never half a character. */
export function fit(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let taken = 0;
  let out = "";
  for (const { segment } of graphemes.segment(text)) {
    taken += columnsOf(segment);
    if (taken > columns) break;
    out += segment;
  }
  return out;
}
