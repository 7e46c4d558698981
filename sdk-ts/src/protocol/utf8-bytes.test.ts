import { expect, it } from "vitest";
import { countedBytes, utf8Bytes } from "./utf8-bytes.js";

it.each(["", "plain", "\u007f\u0080", "é", "\u07ff\u0800", "…", "\ud7ff\ue000\uffff", "🦦", "a🦦é…"])(
  "counts what %j has in UTF-8",
  (text) => {
    const { length } = new TextEncoder().encode(text);
    expect([utf8Bytes(text), countedBytes(text)]).toEqual([length, length]);
  },
);
