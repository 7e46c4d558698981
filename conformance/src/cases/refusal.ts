/** An error of a call, with its code and problems where a scheduler puts them: `google.rpc.Status` in the trailers. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata } from "@grpc/grpc-js";
import type { Refusal } from "../stage/scripted-scheduler.js";

/** Tag of a length-delimited field. */
const tag = (field: number): number => (field << 3) | 2;

export function refused(status: number, code: string, message: string): Refusal {
  const info = new BinaryWriter().uint32(tag(1)).string(code).uint32(tag(2)).string("cloaca").finish();
  const details = new BinaryWriter()
    .uint32(1 << 3)
    .int32(status)
    .uint32(tag(2))
    .string(message);
  details.uint32(tag(3)).fork();
  details.uint32(tag(1)).string("type.googleapis.com/google.rpc.ErrorInfo").uint32(tag(2)).bytes(info).join();
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(details.finish()));
  return { code: status, details: message, metadata };
}
