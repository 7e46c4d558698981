import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leaseFence, leaseId, parseLeaseId } from "./lease-id.js";

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

describe("the fence of a lease id", () => {
  const nat = fc.nat({ max: 0x7fffffff });
  const parts = fc.string({ unit: fc.constantFrom("r", ".", "0", "1", "7", "-"), maxLength: 6 });

  it("is read by whoever knows the task run", () => {
    fc.assert(
      fc.property(fc.string(), nat, fc.integer({ min: 1, max: 0x7fffffff }), (runId, task, fence) => {
        expect(leaseFence(leaseId(runId, task, fence), runId, task)).toBe(fence);
      }),
    );
  });

  it("is told of no text but the one that the task run makes with it", () => {
    fc.assert(
      fc.property(parts, parts, fc.nat({ max: 17 }), (id, runId, task) => {
        for (const text of [id, `${runId}${id}`, `${runId}.${id}`, `${runId}.${task}${id}`, `${runId}.${task}.${id}`]) {
          const fence = leaseFence(text, runId, task);
          if (fence === 0) expect(parseLeaseId(text)).not.toEqual({ runId, task, fence: expect.any(Number) });
          else expect(leaseId(runId, task, fence)).toBe(text);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["r1.3.7", 7],
    ["r1.3.2147483647", 2_147_483_647],
    // Another task, another run, a run that only begins like it or has its length.
    ["r1.2.7", 0],
    ["r1.33.7", 0],
    ["r2.3.7", 0],
    ["r10.3.7", 0],
    ["r1.0.3.7", 0],
    ["r1r1.3.7", 0],
    ["1.3.7", 0],
    // Nobody gave these out.
    ["", 0],
    ["r1", 0],
    [".", 0],
    ["r1.3", 0],
    ["r1.3.", 0],
    ["r1..7", 0],
    ["r1.3.0", 0],
    ["r1.3.07", 0],
    ["r1.03.7", 0],
    ["r1.3.-7", 0],
    ["r1.3.7 ", 0],
    ["r1.3.7e1", 0],
    ["r1.3.2147483648", 0],
    ["r1.3.٧", 0],
  ])("of %j for task 3 of run r1 is %i", (id, fence) => {
    expect(leaseFence(id, "r1", 3)).toBe(fence);
  });
});
