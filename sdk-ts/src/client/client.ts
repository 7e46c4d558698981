import { Channel } from "../protocol/channel.js";
import { ClientBase } from "./client-base.js";
import type { ClientOptions } from "./client-options.js";

export type { RunResult } from "./client-base.js";
export type { ClientOptions } from "./client-options.js";
export type { StartArguments, StartInput, StartOptions } from "./start-options.js";

/** The control plane by gRPC. */
export class Client extends ClientBase {
  constructor({ url, namespace = "", callTimeoutMs = 30_000 }: ClientOptions) {
    super(new Channel(url, { callTimeoutMs }), namespace);
  }
}
