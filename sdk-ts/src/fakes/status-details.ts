/** What a scheduler says about an error besides its status, as it travels: `google.rpc.Status` in the trailers. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata } from "@grpc/grpc-js";

export function statusDetails(code: string, retryAfterMs: number): Metadata {
  const writer = new BinaryWriter();
  const info = new BinaryWriter().uint32(tag(1)).string(code).finish();
  any(writer, "google.rpc.ErrorInfo", info);
  if (retryAfterMs > 0) {
    // Milliseconds below a second, as nanoseconds in the second field of a Duration.
    const delay = new BinaryWriter()
      .uint32(2 << 3)
      .int32(retryAfterMs * 1_000_000)
      .finish();
    any(writer, "google.rpc.RetryInfo", new BinaryWriter().uint32(tag(1)).bytes(delay).finish());
  }
  const metadata = new Metadata();
  if (code !== "") metadata.set("grpc-status-details-bin", Buffer.from(writer.finish()));
  return metadata;
}

function any(writer: BinaryWriter, type: string, value: Uint8Array): void {
  writer.uint32(tag(3)).fork();
  writer.uint32(tag(1)).string(`type.googleapis.com/${type}`).uint32(tag(2)).bytes(value);
  writer.join();
}

/** Of a length-delimited field. */
function tag(field: number): number {
  return (field << 3) | 2;
}
