import { Channel, parseAddress } from "../protocol/channel.js";
import { addressOption } from "../task/address-option.js";
import { ClientBase } from "./client-base.js";
import { type ClientOptions, checkClientOptions } from "./client-options.js";

export type { RunResult } from "./client-base.js";
export type { ClientOptions } from "./client-options.js";
export type { StartArguments, StartInput, StartOptions } from "./start-options.js";

const ADDRESS = addressOption(parseAddress, "grpc://host:port");

/** The control plane by gRPC. */
export class Client extends ClientBase {
  /** @throws OptionsError with everything that is wrong with the options */
  constructor(options: ClientOptions) {
    const { url, namespace, callTimeoutMs } = checkClientOptions(options, ADDRESS);
    super(new Channel(url, { callTimeoutMs }), namespace);
  }
}
