/** Generated services as grpc-js service definitions. */
import {
  type DescMessage,
  type DescService,
  fromBinary,
  type Message,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { decoderOf, encoderOf } from "@cloaca/protocol/codec";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";

/** A message whose bytes are not protobuf of its type. Handlers answer it with a coded error; the server lives on. */
export class Malformed {
  constructor(
    readonly type: string,
    readonly reason: string,
  ) {}
}

export function serviceDefinition(service: DescService): ServiceDefinition {
  const definition: Record<string, MethodDefinition<Message, Message>> = {};
  for (const method of service.methods) {
    const kind = method.methodKind;
    definition[method.localName] = {
      path: `/${service.typeName}/${method.name}`,
      requestStream: kind === "client_streaming" || kind === "bidi_streaming",
      responseStream: kind === "server_streaming" || kind === "bidi_streaming",
      requestSerialize: (message) => serialize(method.input, message),
      responseSerialize: encoderOf(method.output),
      requestDeserialize: deserializer(method.input) as (bytes: Uint8Array) => Message,
      responseDeserialize: (bytes) => fromBinary(method.output, bytes),
    };
  }
  return definition;
}

function serialize(schema: DescMessage, message: Message): Buffer {
  const bytes = toBinary(schema, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Makes the message of its bytes, if they are one. */
export function deserializer<Desc extends DescMessage>(
  schema: Desc,
): (bytes: Uint8Array) => MessageShape<Desc> | Malformed {
  const decode = decoderOf(schema);
  return (bytes) => {
    try {
      return decode(bytes);
    } catch (error) {
      return new Malformed(schema.typeName, error instanceof Error ? error.message : String(error));
    }
  };
}
