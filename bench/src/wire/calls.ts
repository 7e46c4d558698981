/** Calls of generated services with grpc-js: the least that a client and a host need. */
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type MethodDefinition,
} from "@grpc/grpc-js";

/** A channel with a connection of its own, so that clients of one process share nothing. */
export function connect(address: string): Client {
  return new Client(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
}

export function callUnary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition<I, O>(method);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      create(method.input, request),
      (error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error(`${path} answered with nothing`));
        else resolve(response);
      },
    );
  });
}

export function callServerStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
): ClientReadableStream<MessageShape<O>> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition<I, O>(method);
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, create(method.input, request));
}

export function openStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition<I, O>(method);
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}

/** A generated method as grpc-js wants it. */
export function methodDefinition<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
): MethodDefinition<MessageShape<I>, MessageShape<O>> {
  const { methodKind, input, output } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: (message) => bytesOf(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => bytesOf(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

function bytesOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
