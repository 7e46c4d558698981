/** The calls of `HostService` beside its stream. */
import { create } from "@bufbuild/protobuf";
import {
  type ExchangeRequest,
  type ExchangeResponse,
  type HostService,
  type KeepAliveRequest,
  KeepAliveResponseSchema,
} from "@cloaca/protocol";
import type { Scheduler } from "../engine/scheduler.js";
import { checkSession, Exchange } from "./exchange.js";
import type { OnGone } from "./on-gone.js";
import type { MethodsOf } from "./service-methods.js";

export class HostServiceRpc implements MethodsOf<typeof HostService> {
  readonly #exchange: Exchange;

  constructor(readonly scheduler: Scheduler) {
    this.#exchange = new Exchange(scheduler);
  }

  exchange(request: ExchangeRequest, onGone: OnGone): Promise<ExchangeResponse> {
    return this.#exchange.poll(request, onGone);
  }

  async keepAlive({ sessionId, resumeToken, mainLoopLagMs }: KeepAliveRequest) {
    checkSession(this.scheduler, sessionId, resumeToken);
    this.scheduler.keepAlive(sessionId);
    const connection = this.scheduler.connections.of(sessionId);
    if (connection !== null) connection.mainLoopLagMs = mainLoopLagMs;
    const ttlMs = this.scheduler.store.session(sessionId)?.spec.ttlMs ?? 0;
    return create(KeepAliveResponseSchema, { ttlMs });
  }
}
