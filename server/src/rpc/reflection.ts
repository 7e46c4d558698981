/**
 * Server reflection, v1 and v1alpha: what `grpcurl list` and `describe` read, and what clients show error details with.
 *
 * Its library is loaded with the first question: it and its descriptors take a third of a scheduler's time to start, and after
 * a crash that is time in which nobody is served.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { handleBidiStreamingCall, MethodDefinition, Server } from "@grpc/grpc-js";
import type { ReflectionService } from "@grpc/reflection";

type Method = MethodDefinition<object, object>;
type Answer = handleBidiStreamingCall<object, object>;

interface Loaded {
  readonly method: Method;
  readonly answer: Answer;
}

/** Descriptor sets of the protocol package: our services, the health service, and the details of errors. */
const SETS = ["cloaca", "grpc-health", "google-rpc"];
const METHOD = "ServerReflectionInfo";
const PATHS = ["v1", "v1alpha"].map((version) => `/grpc.reflection.${version}.ServerReflection/${METHOD}`);

export function addReflection(server: Server): void {
  let loaded: ReadonlyMap<string, Loaded> | null = null;
  for (const path of PATHS) {
    const library = (): Loaded => {
      loaded ??= load();
      const found = loaded.get(path);
      if (found === undefined) throw new Error(`the reflection library does not serve ${path}`);
      return found;
    };
    const method: Method = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (message) => library().method.requestSerialize(message),
      requestDeserialize: (bytes) => library().method.requestDeserialize(bytes),
      responseSerialize: (message) => library().method.responseSerialize(message),
      responseDeserialize: (bytes) => library().method.responseDeserialize(bytes),
    };
    const answer: Answer = (call) => library().answer(call);
    server.addService({ [METHOD]: method }, { [METHOD]: answer });
  }
}

/** By path. The library speaks to no server: it adds its services to one that only takes them down. */
function load(): ReadonlyMap<string, Loaded> {
  const require = createRequire(import.meta.url);
  const library = require("@grpc/reflection") as { readonly ReflectionService: typeof ReflectionService };
  // As buf wrote them: a round trip through a loader loses imports, and the names of map entries.
  const files = SETS.flatMap((name) => {
    const bytes = readFileSync(require.resolve(`@cloaca/protocol/descriptors/${name}.binpb`));
    const { file } = fromBinary(FileDescriptorSetSchema, bytes);
    return file.map((proto) => Buffer.from(toBinary(FileDescriptorProtoSchema, proto)));
  });
  // Reflection reads nothing of a package definition but the file descriptors of its entries.
  const entries = { files: { fileDescriptorProtos: files } };
  const loaded = new Map<string, Loaded>();
  const taker: Pick<Server, "addService"> = {
    addService(service, handlers) {
      const method = service[METHOD];
      if (method !== undefined) loaded.set(method.path, { method, answer: handlers[METHOD] as Answer });
    },
  };
  type Definition = ConstructorParameters<typeof ReflectionService>[0];
  new library.ReflectionService(entries as unknown as Definition).addToServer(taker as Server);
  return loaded;
}
