import { describe, expect, it } from "vitest";
import { CommittedPatch } from "./committed-patch.js";

const patch = (set: Readonly<Record<string, string>>, ...removed: string[]) => ({ set, removed });

describe("CommittedPatch (P10)", () => {
  it("counts keys, texts and removed keys in UTF-8, what earlier executions committed included", () => {
    expect(new CommittedPatch(patch({ ab: "12", é: '"é"' }, "gone")).bytes).toBe(4 + 6 + 4);
  });

  it("counts each key once, as it was committed last", () => {
    const committed = new CommittedPatch(patch({ a: "100" }));
    expect(committed.bytesWith(patch({ a: "1", b: "2" }))).toBe(4);
    expect(committed.bytes).toBe(4);
    committed.add(patch({ a: "1", b: "2" }));
    committed.add(patch({}, "a"));
    expect(committed.bytes).toBe(3);
    committed.add(patch({ a: "12345" }));
    expect(committed.bytes).toBe(8);
  });
});
