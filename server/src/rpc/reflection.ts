/** Server reflection, v1 and v1alpha: what `grpcurl list` and `describe` read. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";

export function addReflection(server: Server): void {
  const path = createRequire(import.meta.url).resolve("@cloaca/protocol/descriptors.binpb");
  const { file } = fromBinary(FileDescriptorSetSchema, readFileSync(path));
  // Reflection reads nothing but the file descriptors. As buf wrote them: a round trip through the loader loses imports.
  const fileDescriptorProtos = file.map((proto) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  const ours = { cloaca: { fileDescriptorProtos } } as unknown as PackageDefinition;
  new ReflectionService({ ...ours, ...loadSync(healthProto) }).addToServer(server);
}
