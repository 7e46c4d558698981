/** How many bytes a text has as UTF-8. Browsers cannot count them without writing them. */
export const utf8Bytes: (text: string) => number = globalThis.Buffer?.byteLength ?? countedBytes;

/** The same, counted here. */
export function countedBytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // The two units of a surrogate pair make four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
