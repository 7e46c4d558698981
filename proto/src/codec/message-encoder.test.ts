import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ListValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as protocol from "../gen/index.js";
import { anyMessage, schemas } from "./any-message.js";
import { encoderOf } from "./message-encoder.js";

describe("encoderOf", () => {
  it.each(schemas)("says of $name what protobuf-es says", (desc) => {
    fc.assert(
      fc.property(anyMessage(desc), (init) => {
        const message = create(desc, init);
        expect(bytes(encoderOf(desc)(init))).toEqual(bytes(toBinary(desc, message)));
      }),
      { numRuns: 60 },
    );
  });

  it("writes texts of every length and alphabet, and grows with them", () => {
    const desc = protocol.RevokedSchema;
    for (const unit of ["a", "é", "水", "🦆", "\ud800"]) {
      for (const length of [0, 1, 47, 48, 49, 127, 128, 20_000, 100_000]) {
        const init = { leaseId: "l", detail: unit.repeat(length) };
        expect(bytes(encoderOf(desc)(init))).toEqual(bytes(toBinary(desc, create(desc, init))));
      }
    }
  });

  it("leaves what it does not know to protobuf-es", () => {
    const init = { values: [{ kind: { case: "numberValue" as const, value: 0.5 } }] };
    expect(fromBinary(ListValueSchema, encoderOf(ListValueSchema)(init))).toEqual(create(ListValueSchema, init));
  });
});

function bytes(encoded: Uint8Array): string {
  return Buffer.from(encoded).toString("hex");
}
