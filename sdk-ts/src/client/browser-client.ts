import { FetchChannel, httpAddress } from "../protocol/fetch-channel.js";
import { addressOption } from "../task/address-option.js";
import { ClientBase } from "./client-base.js";
import { type ClientOptions, checkClientOptions } from "./client-options.js";

const ADDRESS = addressOption(httpAddress, "http://host:port");

/** The control plane by Connect over `fetch`. The scheduler has to allow the page: `cloaca server --allow-origin`. */
export class Client extends ClientBase {
  /** @throws OptionsError with everything that is wrong with the options */
  constructor(options: ClientOptions) {
    const { url, namespace, callTimeoutMs } = checkClientOptions(options, ADDRESS);
    super(new FetchChannel(url, { callTimeoutMs }), namespace);
  }
}
