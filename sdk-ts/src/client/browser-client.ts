import { FetchChannel } from "../protocol/fetch-channel.js";
import { ClientBase } from "./client-base.js";
import type { ClientOptions } from "./client-options.js";

/** The control plane by Connect over `fetch`. The scheduler has to allow the page: `cloaca server --allow-origin`. */
export class Client extends ClientBase {
  constructor({ url, namespace = "", callTimeoutMs = 30_000 }: ClientOptions) {
    super(new FetchChannel(url, { callTimeoutMs }), namespace);
  }
}
