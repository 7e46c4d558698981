import { create, type DescMessage, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CloacaError } from "../errors/index.js";

/**
 * A request as it is sent.
 *
 * @throws CloacaError `REQUEST_INVALID` when protobuf cannot carry one of its fields: nothing has been sent then
 */
export function requestBytes<I extends DescMessage>(
  method: DescMethod & { readonly input: I },
  request: MessageInitShape<I>,
): Uint8Array {
  try {
    return toBinary(method.input, create(method.input, request));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CloacaError("REQUEST_INVALID", `${method.name}: ${reason}`, { cause: error });
  }
}
