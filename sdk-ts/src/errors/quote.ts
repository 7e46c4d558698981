/** Longest piece of foreign text that a message repeats, in UTF-16 units. */
const SHOWN = 80;

/** The text in double quotes, with escapes, cut when it is long: for messages that repeat what somebody wrote. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`);
}
