import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createFileRegistry, createRegistry, fromBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { status as grpcStatus, type ServiceError } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CloacaError, ERROR_CODES, type ErrorCode } from "../core/errors.js";
import { toStatus } from "./status.js";

const set = readFileSync(createRequire(import.meta.url).resolve("@cloaca/protocol/descriptors/google-rpc.binpb"));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));

/** The details as a client reads them: by the descriptors that reflection serves. */
function read(error: ServiceError) {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const schema = registry.getMessage("google.rpc.Status");
  if (schema === undefined || typeof bytes === "string" || bytes === undefined) throw new Error("no details");
  const message = fromBinary(schema, bytes) as unknown as { code: number; message: string; details: Any[] };
  const details = message.details.map((any) => anyUnpack(any, createRegistry(registry)));
  return { code: message.code, message: message.message, details: details as unknown as Record<string, unknown>[] };
}

/** Bytes of the trailers on the wire, as HTTP/2 counts them. */
function trailerBytes(error: ServiceError): number {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const details = Buffer.from(bytes ?? "").toString("base64");
  const headers = { "grpc-status": "13", "grpc-message": encodeURI(error.details), "grpc-status-details-bin": details };
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
}

describe("errors as statuses", () => {
  it.each(Object.entries(ERROR_CODES))("%s has its status and its reason", (code, info) => {
    const error = toStatus(new CloacaError(code as ErrorCode, "what was wrong"));
    expect([error.code, error.details]).toEqual([grpcStatus[info.status], "what was wrong"]);
    expect(read(error)).toMatchObject({
      code: grpcStatus[info.status],
      message: "what was wrong",
      details: [{ $typeName: "google.rpc.ErrorInfo", reason: code, domain: "cloaca" }],
    });
  });

  it("carry every problem with its place, and when trying again makes sense", () => {
    const problems = [
      { field: "tasks[0].id", description: "is empty" },
      { field: "tasks[1].id", description: "is taken" },
    ];
    const { details } = read(
      toStatus(new CloacaError("DEFINITION_INVALID", "2 problems", { problems, retryAfterMs: 1_250 })),
    );
    expect(details.map((d) => d["$typeName"])).toEqual([
      "google.rpc.ErrorInfo",
      "google.rpc.BadRequest",
      "google.rpc.RetryInfo",
    ]);
    expect(details[1]).toMatchObject({ fieldViolations: problems });
    expect(details[2]).toMatchObject({ retryDelay: { seconds: 1n, nanos: 250_000_000 } });
  });

  it("an unknown thing that was thrown is INTERNAL", () => {
    for (const thrown of [new TypeError("oops"), "oops", undefined, { a: 1 }]) {
      expect(toStatus(thrown).code).toBe(grpcStatus.INTERNAL);
    }
  });

  it("fit into the 8 KiB that peers allow, whatever the error says, and can be sent at all", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3_000, size: "max" }),
      // With half characters.
      fc
        .array(fc.nat({ max: 0xffff }), { maxLength: 3_000, size: "max" })
        .map((codes) => String.fromCharCode(...codes)),
      fc
        .record({
          char: fc.constantFrom("x", " ", '"', "é", "語", "😀", "\uD83D"),
          n: fc.nat({ max: 5_000 }),
          pre: fc.boolean(),
        })
        .map(({ char, n, pre }) => (pre ? "x" : "") + char.repeat(n)),
    );
    const problems = fc.array(fc.record({ field: text, description: text }), { maxLength: 60, size: "max" });
    fc.assert(
      fc.property(text, problems, (message, found) => {
        const error = toStatus(new CloacaError("DEFINITION_INVALID", message, { problems: found, retryAfterMs: 5 }));
        // grpc-js encodes the message so, and a URIError there would end the process.
        expect(() => encodeURI(error.details)).not.toThrow();
        expect(trailerBytes(error)).toBeLessThanOrEqual(8_000);
        expect(read(error).details.length).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 30 },
    );
  });

  it("are cut at a whole character, and only when they are too long", () => {
    const long = toStatus(new CloacaError("INTERNAL", `x${"😀".repeat(2_000)}`)).details;
    expect(long).toMatch(/^x(😀)+…$/u);
    const fits = `x${"😀".repeat(199)}`;
    expect(toStatus(new CloacaError("INTERNAL", fits)).details).toBe(fits);
    expect(toStatus(new CloacaError("INTERNAL", "a\uD83Db")).details).toBe("a\uFFFDb");
  });
});
