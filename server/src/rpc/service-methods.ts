/** The methods of our services, each implemented once: every door (gRPC, Connect) calls these. */
import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { HostAdminService, HostService, RunService, WorkflowService } from "@cloaca/protocol";
import type { Scheduler } from "../engine/scheduler.js";
import { HostAdminServiceRpc, WorkflowServiceRpc } from "./admin-services.js";
import { HostServiceRpc } from "./host-service.js";
import type { OnGone } from "./on-gone.js";
import { RunServiceRpc } from "./run-service.js";

/** Rejects with CloacaError, as far as it knows what is wrong. */
export type UnaryMethod<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  onGone: OnGone,
) => Promise<MessageInitShape<O>>;

/** Yields answers until it is done or `signal` aborts; throws as a unary method rejects. */
export type StreamMethod<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  signal: AbortSignal,
) => AsyncIterable<MessageInitShape<O>>;

/** What implements a service. Two-way streams are not among them: they belong to gRPC alone. */
export type MethodsOf<Service extends DescService> = {
  readonly [Name in keyof Service["method"] as Service["method"][Name] extends { methodKind: "bidi_streaming" }
    ? never
    : Name]: ImplementationOf<Service["method"][Name]>;
};

type ImplementationOf<Method extends DescMethod> =
  Method extends DescMethodUnary<infer I, infer O>
    ? UnaryMethod<I, O>
    : Method extends DescMethodServerStreaming<infer I, infer O>
      ? StreamMethod<I, O>
      : never;

/** A method with what implements it. */
export type ServedMethod =
  | { readonly kind: "unary"; readonly method: DescMethodUnary; readonly answer: AnyUnary }
  | { readonly kind: "stream"; readonly method: DescMethodServerStreaming; readonly answer: AnyStream };

type AnyUnary = UnaryMethod<DescMessage, DescMessage>;
type AnyStream = StreamMethod<DescMessage, DescMessage>;

export const SERVICES: readonly DescService[] = [HostService, WorkflowService, RunService, HostAdminService];

/** Every method but `HostService.Work`. To be made once for a scheduler: `Exchange` has a memory. */
export function serviceMethods(scheduler: Scheduler): readonly ServedMethod[] {
  return [
    ...served(HostService, new HostServiceRpc(scheduler)),
    ...served(WorkflowService, new WorkflowServiceRpc(scheduler)),
    ...served(RunService, new RunServiceRpc(scheduler)),
    ...served(HostAdminService, new HostAdminServiceRpc(scheduler)),
  ];
}

function served<Service extends DescService>(service: Service, methods: MethodsOf<Service>): ServedMethod[] {
  return service.methods.flatMap((method): ServedMethod | [] => {
    const implementation = methods[method.localName as keyof MethodsOf<Service>];
    // Name and types belong together: `MethodsOf` has read both from the same descriptor.
    const answer = (implementation as ((...args: never[]) => unknown) | undefined)?.bind(methods);
    if (method.methodKind === "unary") {
      return { kind: "unary", method: method as DescMethodUnary, answer: answer as AnyUnary };
    }
    if (method.methodKind === "server_streaming") {
      return { kind: "stream", method: method as DescMethodServerStreaming, answer: answer as AnyStream };
    }
    return [];
  });
}
