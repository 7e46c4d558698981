import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leaseId, parseLeaseId } from "./lease-id.js";

describe("lease ids", () => {
  it("say where their lease lives, and are read back", () => {
    const nat = fc.nat({ max: 0x7fffffff });
    const fence = fc.integer({ min: 1, max: 0x7fffffff });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), nat, fence, (runId, task, f) => {
        expect(parseLeaseId(leaseId(runId, task, f))).toEqual({ runId, task, fence: f });
      }),
    );
  });

  it("are different for different leases", () => {
    const part = fc.record({
      runId: fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("r", ".", "1") }),
      task: fc.nat({ max: 12 }),
      fence: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(part, part, (a, b) => {
        const same = a.runId === b.runId && a.task === b.task && a.fence === b.fence;
        expect(leaseId(a.runId, a.task, a.fence) === leaseId(b.runId, b.task, b.fence)).toBe(same);
      }),
    );
  });

  it.each([
    "",
    "r",
    "r.0",
    ".0.1",
    "r.0.0",
    "r.-1.1",
    "r.0.-1",
    "r.00.1",
    "r.0.01",
    "r.0.1 ",
    "r. 0.1",
    "r..1",
    "r.0.",
    "r.1e3.1",
    "r.0x1.1",
    "r.0.2147483648",
    "r.99999999999.1",
    "r.٠.1",
    "0.1",
    "..",
  ])("nobody gave out %j", (text) => {
    expect(parseLeaseId(text)).toBeNull();
  });

  it("stay the only text of their lease: what is read is what would be written", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("r", ".", "0", "1", "7", "-") }), (text) => {
        const address = parseLeaseId(text);
        if (address !== null) expect(leaseId(address.runId, address.task, address.fence)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});
