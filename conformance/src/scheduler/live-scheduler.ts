/** Calls of a live scheduler, on the generated stubs. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  HostService,
  type WorkRequest,
  WorkRequestSchema,
  type WorkResponse,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";

export class LiveScheduler {
  readonly #client: Client;

  constructor(
    readonly address: string,
    /** Longest wait for anything that the scheduler owes, in milliseconds. */
    readonly patienceMs: number,
  ) {
    const target = address.replace(/^grpc:\/\//, "");
    this.#client = new Client(target, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  }

  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: MessageShape<I>) => Buffer.from(toBinary(method.input, message)),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, request),
        new Metadata(),
        { deadline: Date.now() + this.patienceMs },
        (error: ServiceError | null, response?: MessageShape<O>) => {
          if (error !== null) reject(error);
          else if (response !== undefined) resolve(response);
        },
      );
    });
  }

  work(): ClientDuplexStream<WorkRequest, WorkResponse> {
    return this.#client.makeBidiStreamRequest(
      `/${HostService.typeName}/Work`,
      (message: WorkRequest) => Buffer.from(toBinary(WorkRequestSchema, message)),
      (bytes) => fromBinary(WorkResponseSchema, bytes),
    );
  }

  close(): void {
    this.#client.close();
  }
}

/** The code that a refused call carries in `google.rpc.ErrorInfo`; the text is found in the details as it is. */
export function carries(error: unknown, code: string): boolean {
  if (!(error instanceof Error) || !("metadata" in error) || !(error.metadata instanceof Metadata)) return false;
  const [details] = error.metadata.get("grpc-status-details-bin");
  return details instanceof Buffer && details.includes(code);
}
