import { expect, it } from "vitest";
import { utf8Bytes } from "./utf8-bytes.js";

it.each(["", "plain", "\u007f\u0080", "é", "\u07ff\u0800", "…", "\ud7ff\ue000\uffff", "🦦", "a🦦é…"])(
  "counts what %j has in UTF-8",
  (text) => {
    expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length);
  },
);
