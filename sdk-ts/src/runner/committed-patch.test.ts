import { describe, expect, it } from "vitest";
import { CommittedPatch } from "./committed-patch.js";

const patch = (set: Readonly<Record<string, string>>, ...removed: string[]) => ({ set, removed });

describe("CommittedPatch (P10)", () => {
  it("counts keys, texts and removed keys in UTF-8, and 16 for each key, what earlier executions committed included", () => {
    expect(new CommittedPatch(patch({ ab: "12", é: '"é"' }, "gone")).bytes).toBe(4 + 6 + 4 + 3 * 16);
  });

  it("counts each key once, as it was committed last", () => {
    const committed = new CommittedPatch(patch({ a: "100" }));
    expect(committed.bytesWith(patch({ a: "1", b: "2" }))).toBe(4 + 2 * 16);
    expect(committed.bytes).toBe(4 + 16);
    committed.add(patch({ a: "1", b: "2" }));
    committed.add(patch({}, "a"));
    expect(committed.bytes).toBe(3 + 2 * 16);
    committed.add(patch({ a: "12345" }));
    expect(committed.bytes).toBe(8 + 2 * 16);
  });
});
