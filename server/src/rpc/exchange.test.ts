/** P14: what the polls of a person, or of a language without streams, can rely on. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ExchangeRequestSchema,
  type ExchangeResponse,
  ListHostsRequestSchema,
  type SchedulerEvent,
} from "@cloaca/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compileGraph } from "../core/graph.js";
import { DEFAULT_LIMITS } from "../engine/limits.js";
import { Scheduler } from "../engine/scheduler.js";
import { openStore } from "../store/open-store.js";
import type { Store } from "../store/store.js";
import { CountingIds, ManualTime } from "../testing/manual-time.js";
import { workflowOf } from "../testing/scripted-host.js";
import { HostAdminServiceRpc } from "./admin-services.js";
import { Exchange } from "./exchange.js";

const quiet = { info() {}, warn() {}, error() {} };
const START = {
  namespace: "default",
  version: "",
  context: {},
  priority: 0,
  labels: {},
  traceparent: "",
  timeoutMs: 0,
  requestId: "",
};
const TTL_MS = 5_000;

type Request = MessageInitShape<typeof ExchangeRequestSchema>;

/** A poll that has been sent, and what has become of it. */
class Poll {
  answer: ExchangeResponse | undefined;
  error: unknown;
  leave: () => void = () => {};

  get heard(): SchedulerEvent["event"]["case"][] | undefined {
    return this.answer?.events.map((e) => e.event.case);
  }
}

describe("P14: Exchange", () => {
  let time: ManualTime;
  let store: Store;
  let scheduler: Scheduler;
  let exchange: Exchange;
  let session: { sessionId: string; resumeToken: string };

  async function poll(request: Request): Promise<Poll> {
    const sent = new Poll();
    const onGone = (callback: () => void): void => {
      sent.leave = callback;
    };
    exchange.poll(create(ExchangeRequestSchema, request), onGone).then(
      (answer) => {
        sent.answer = answer;
      },
      (error: unknown) => {
        sent.error = error;
      },
    );
    await time.settle();
    return sent;
  }

  const next = (ackResponseId: bigint, waitMs = 60_000, events: Request["events"] = []): Promise<Poll> =>
    poll({ ...session, ackResponseId, waitMs, events });

  const hello = (ttlMs: number): Request => ({
    events: [
      {
        event: {
          case: "hello",
          value: {
            protocolMin: 1,
            protocolMax: 1,
            hostId: "me",
            instanceId: "me-by-hand",
            slots: 1,
            requestedTtlMs: ttlMs,
            implementations: [{ workflow: "one", anyVersion: true }],
          },
        },
      },
    ],
  });

  async function start(): Promise<void> {
    const started = scheduler.startRun({ ...START, workflow: "one" });
    await Promise.all([started, time.settle()]);
  }

  const isConnected = async (): Promise<boolean | undefined> => {
    const { hosts } = await new HostAdminServiceRpc(scheduler).listHosts(create(ListHostsRequestSchema));
    return hosts[0]?.connected;
  };

  beforeEach(async () => {
    time = new ManualTime();
    store = openStore("memory:", { clock: time, ids: new CountingIds(), limits: DEFAULT_LIMITS }, "");
    scheduler = new Scheduler({
      store,
      clock: time,
      runtime: time,
      limits: DEFAULT_LIMITS,
      log: quiet,
      checkBooks: true,
    });
    scheduler.start();
    exchange = new Exchange(scheduler);
    await scheduler.registerWorkflow("default", compileGraph(workflowOf("one", { a: [] })));
    const welcomed = await poll(hello(TTL_MS));
    const event = welcomed.answer?.events[0]?.event;
    if (event?.case !== "welcome") throw new Error("no welcome");
    expect(event.value).toMatchObject({ ttlMs: TTL_MS });
    session = { sessionId: event.value.sessionId, resumeToken: event.value.resumeToken };
  });

  afterEach(async () => {
    expect(await store.check()).toEqual([]);
    await store.close();
  });

  it("answers as soon as there is something, and with nothing when the wait is over", async () => {
    const empty = await next(1n, 300);
    await time.advance(299);
    expect(empty.answer).toBeUndefined();
    await time.advance(1);
    expect(empty.answer).toMatchObject({ responseId: 1n, events: [] });
    const waiting = await next(1n);
    await start();
    expect(waiting.heard).toEqual(["lease"]);
    expect(waiting.answer?.responseId).toBe(2n);
  });

  it("a newer poll ends the older one with an empty answer", async () => {
    const older = await next(1n);
    const newer = await next(1n);
    expect(older.heard).toEqual([]);
    expect(newer.answer).toBeUndefined();
    await start();
    expect(newer.heard).toEqual(["lease"]);
  });

  it("repeats what was not acknowledged, until it is", async () => {
    const first = await next(1n);
    await start();
    expect(first.heard).toEqual(["lease"]);
    expect((await next(1n)).answer).toEqual(first.answer);
    const after = await next(2n, 10);
    await time.advance(10);
    expect(after.heard).toEqual([]);
  });

  it("gives out nothing while no poll waits", async () => {
    expect(await isConnected()).toBe(false);
    await start();
    expect(store.listSessions("default")[0]?.held).toBe(0);
    expect((await next(1n)).heard).toEqual(["lease"]);
  });

  it("a waiting poll counts as life, and the TTL runs from its end", async () => {
    const waiting = await next(1n, 4 * TTL_MS);
    await time.advance(4 * TTL_MS);
    expect(waiting.heard).toEqual([]);
    await time.advance(TTL_MS - 1);
    expect(store.session(session.sessionId)).not.toBeNull();
    await time.advance(1);
    expect(store.session(session.sessionId)).toBeNull();
    expect((await next(1n)).error).toMatchObject({ code: "SESSION_NOT_FOUND" });
  });

  it("a poll whose caller has gone is over: nothing is sent to it, and it counts as life no longer", async () => {
    const waiting = await next(1n);
    expect(await isConnected()).toBe(true);
    waiting.leave();
    await time.settle();
    expect(await isConnected()).toBe(false);
    await start();
    expect(store.listSessions("default")[0]?.held).toBe(0);
    await time.advance(TTL_MS);
    expect(store.session(session.sessionId)).toBeNull();
  });

  it("one that has left disturbs no newer poll", async () => {
    const older = await next(1n);
    const newer = await next(1n);
    older.leave();
    await start();
    expect(newer.heard).toEqual(["lease"]);
  });

  it("honours the TTL that is asked for within the limits", async () => {
    const { minSessionTtlMs, maxSessionTtlMs } = DEFAULT_LIMITS;
    for (const [asked, given] of [
      [1, minSessionTtlMs],
      [0xffff_ffff, maxSessionTtlMs],
    ] as const) {
      const { answer } = await poll({
        events: [
          {
            event: {
              case: "hello",
              value: {
                protocolMin: 1,
                protocolMax: 1,
                hostId: `h${asked}`,
                instanceId: "instance-2",
                requestedTtlMs: asked,
              },
            },
          },
        ],
      });
      expect(answer?.events[0]?.event).toMatchObject({ case: "welcome", value: { ttlMs: given } });
    }
  });

  it("refuses a first request without Hello, a wait that is too long, and sessions and tokens that are not right", async () => {
    const refused = async (request: Request) => ((await poll(request)).error as { code?: string }).code;
    expect(await refused({})).toBe("HELLO_EXPECTED");
    expect(await refused({ ...session, waitMs: 60_001 })).toBe("REQUEST_INVALID");
    expect(await refused({ ...session, resumeToken: "guess" })).toBe("RESUME_TOKEN_INVALID");
    expect(await refused({ ...session, sessionId: "s77" })).toBe("SESSION_NOT_FOUND");
    const second = await poll({ ...session, ackResponseId: 1n, ...hello(0) });
    expect(second.error).toMatchObject({ code: "HELLO_REPEATED" });
  });

  it.each<[string, Request, string]>([
    ["a second hello", hello(0), "HELLO_REPEATED"],
    ["an event without a number", { events: [{ event: { case: "setSlots", value: { slots: 3 } } }] }, "SEQ_INVALID"],
  ])("says what is wrong with %s, also to who has not acknowledged the answer before", async (_name, request, code) => {
    expect((await poll({ ...session, ...request })).error).toMatchObject({ code });
  });

  it("tells a poll that waits when the scheduler stops", async () => {
    const waiting = await next(1n);
    const stopping = scheduler.stop(100);
    await Promise.all([stopping, time.settle()]);
    expect(waiting.heard).toEqual(["drain"]);
  });
});
