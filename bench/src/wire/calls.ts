/** Calls of generated services with grpc-js: the least that a client and a host need. */
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { decoderOf, encoderOf } from "@cloaca/protocol/codec";
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
    // A call that fails ends the bench: nothing is kept to be sent again.
    "grpc.enable_retries": 0,
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
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
      if (error !== null) reject(error);
      else if (response === undefined) reject(new Error(`${path} answered with nothing`));
      else resolve(response);
    });
  });
}

export function callServerStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodServerStreaming<I, O>,
  request: MessageInitShape<I>,
): ClientReadableStream<MessageShape<O>> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition<I, O>(method);
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
}

export function openStream<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
): ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> {
  const { path, requestSerialize, responseDeserialize } = methodDefinition<I, O>(method);
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}

/** What is said needs not be made with `create`; what is heard is whole. */
type Definition<I extends DescMessage, O extends DescMessage> = MethodDefinition<MessageInitShape<I>, MessageShape<O>>;

const definitions = new Map<DescMethod, Definition<DescMessage, DescMessage>>();

/** A generated method as grpc-js wants it. */
export function methodDefinition<I extends DescMessage, O extends DescMessage>(
  method: DescMethod & { readonly input: I; readonly output: O },
): Definition<I, O> {
  let definition = definitions.get(method);
  if (definition === undefined) {
    const { methodKind, input, output } = method;
    definition = {
      path: `/${method.parent.typeName}/${method.name}`,
      requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
      responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
      requestSerialize: encoderOf<DescMessage>(input),
      requestDeserialize: decoderOf<DescMessage>(input),
      responseSerialize: encoderOf<DescMessage>(output),
      responseDeserialize: decoderOf<DescMessage>(output),
    };
    definitions.set(method, definition);
  }
  return definition as unknown as Definition<I, O>;
}
