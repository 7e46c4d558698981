/** Server reflection, v1 and v1alpha: what `grpcurl list` and `describe` read, and what clients show error details with. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";

/** Descriptor sets of the protocol package: our services, the health service, and the details of errors. */
const SETS = ["cloaca", "grpc-health", "google-rpc"];

export function addReflection(server: Server): void {
  const { resolve } = createRequire(import.meta.url);
  // As buf wrote them: a round trip through a loader loses imports, and the names of map entries.
  const files = SETS.flatMap((name) => {
    const bytes = readFileSync(resolve(`@cloaca/protocol/descriptors/${name}.binpb`));
    const { file } = fromBinary(FileDescriptorSetSchema, bytes);
    return file.map((proto) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  });
  // Reflection reads nothing of a package definition but the file descriptors of its entries.
  const entries = { files: { fileDescriptorProtos: files } };
  new ReflectionService(entries as unknown as ConstructorParameters<typeof ReflectionService>[0]).addToServer(server);
}
