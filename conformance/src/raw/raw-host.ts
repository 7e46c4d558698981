/**
 * A whole host on the generated stubs, as docs/PROTOCOL.md describes it, and nothing more. With a flaw it breaks one rule: what
 * the kit must find.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeferralOutcome,
  type HostEvent,
  HostEventSchema,
  HostService,
  type Lease,
  LeaseState,
  type LeaseVerdict,
  type Receipts,
  type SchedulerDrain,
  type SchedulerEvent,
  type Welcome,
  type WorkRequest,
  WorkRequestSchema,
  type WorkResponse,
  WorkResponseSchema,
} from "@cloaca/protocol";
import { Client, type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import type { ProgramPlace } from "../stage/host-program.js";
import type { Flaw } from "./flaws.js";
import { RawOwed } from "./raw-owed.js";
import { patchBytes, Run, Stop, TaskFailure } from "./raw-run.js";
import { RAW_TASKS, type TaskPort } from "./raw-tasks.js";

type Said = HostEvent["event"];
type Init<K extends Said["case"]> = Omit<Extract<Said, { case: K }>["value"] & object, "$typeName" | "$unknown">;

const GRACE_MS = 300;
const PERMISSION_DENIED = 7;

export class RawHost implements TaskPort {
  readonly exited: Promise<number | null>;
  #exit: (code: number | null) => void = () => {};
  readonly #client: Client;
  #instanceId = `instance-${Math.random()}`;
  #token = "";
  #sessionId = "";
  readonly #owed = new RawOwed();
  readonly #runs = new Map<string, Run>();
  #stream: ClientDuplexStream<WorkRequest, WorkResponse> | null = null;
  #isWelcomed = false;
  #version = "";
  #maxPatchBytes = Number.POSITIVE_INFINITY;
  #isDraining = false;
  #isGraceOver = false;
  #isKilled = false;
  #reconnectMs: number | null = null;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(
    readonly place: ProgramPlace,
    readonly flaw: Flaw | null,
  ) {
    this.exited = new Promise((resolve) => {
      this.#exit = resolve;
    });
    if (flaw === "one-instance-for-ever") this.#instanceId = "instance";
    this.#client = new Client(place.address, credentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
      "grpc.use_local_subchannel_pool": 1,
    });
    this.#connect();
  }

  get rounds(): boolean {
    return this.flaw === "rounds-numbers";
  }

  drain(graceMs: number = GRACE_MS): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#say({ case: "drain", value: { reason: "it is to end" } as Init<"drain"> } as Said);
    this.#later(graceMs, () => {
      this.#isGraceOver = true;
      for (const run of this.#runs.values()) this.#handBack(run);
      this.#leaveWhenIdle();
    });
    this.#leaveWhenIdle();
  }

  kill(): void {
    this.#isKilled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const run of this.#runs.values()) run.stop("revoked");
    this.#stream?.cancel();
    this.#client.close();
    this.#exit(null);
  }

  checkpoint(run: Run): void {
    this.#about("checkpoint", run, { patch: run.takePatch() });
  }

  async defer(run: Run, condition: () => boolean, pollMs: number, maxWaitMs: number): Promise<number> {
    run.deferral++;
    run.state = "DEFERRING";
    run.condition = condition;
    run.pollMs = pollMs;
    const { deferral } = run;
    const outcome = run.wait<number>((resolve) => {
      run.goOn = resolve;
    });
    const more = { deferral, pollIntervalMs: pollMs, maxWaitMs, description: "a file", checkpoint: run.takePatch() };
    this.#about("deferUntil", run, more);
    if (this.flaw === "polls-early" && deferral === 1) condition();
    return await outcome;
  }

  #connect(): void {
    if (this.#isKilled) return;
    this.#isWelcomed = false;
    this.#reconnectMs = null;
    const stream = this.#client.makeBidiStreamRequest(
      `/${HostService.typeName}/Work`,
      (message: WorkRequest) => Buffer.from(toBinary(WorkRequestSchema, message)),
      (bytes) => fromBinary(WorkResponseSchema, bytes),
    );
    this.#stream = stream;
    const alive = { at: performance.now() };
    stream.on("data", ({ events }: WorkResponse) => {
      alive.at = performance.now();
      const isCancel = ({ event }: SchedulerEvent): boolean => event.case === "cancel";
      const inOrder = this.flaw === "cancels-first" ? events.toSorted((a, b) => +isCancel(b) - +isCancel(a)) : events;
      for (const { event } of inOrder) {
        if (event.case === "welcome") this.#welcomed(event.value, alive);
        else this.#hear(event);
      }
    });
    stream.on("error", () => {});
    stream.on("status", ({ code }: Pick<ServiceError, "code">) => {
      this.#stream = null;
      if (code === 0 && this.#isDraining && (this.#owed.size === 0 || this.flaw === "leaves-early"))
        return this.#leave();
      if (code === PERMISSION_DENIED && this.flaw !== "keeps-refused-token") this.#token = "";
      const waitMs = this.flaw === "no-backoff" ? 1 : 50 + Math.random() * 100;
      this.#later(this.#reconnectMs ?? waitMs, () => this.#connect());
    });
    this.#write([create(HostEventSchema, { event: { case: "hello", value: this.#hello() } })]);
    if (this.flaw === "talks-before-welcome") this.#beat();
  }

  #hello() {
    const tasks = Object.keys(RAW_TASKS).map((id) => ({ id }));
    const held = [...this.#runs.values()].filter((run) => run.stopping !== "revoked");
    return {
      protocolMin: 1,
      protocolMax: 1,
      hostId: this.place.hostId,
      instanceId: this.#instanceId,
      resumeToken: this.#token,
      slots: 4,
      definitions: [{ name: "conformance", tasks }],
      implementations: this.#isDraining ? [] : [{ workflow: "conformance" }],
      heldLeases: held.map(({ id, state, deferral }) => ({ leaseId: id, state: LeaseState[state], deferral })),
    };
  }

  #welcomed(welcome: Welcome, alive: { at: number }): void {
    if (this.flaw !== "keeps-first-token" || this.#token === "") this.#token = welcome.resumeToken;
    const isNew = welcome.sessionId !== this.#sessionId;
    this.#sessionId = welcome.sessionId;
    this.#version = welcome.workflows[0]?.version ?? "";
    if (this.flaw !== "sends-oversize") this.#maxPatchBytes = welcome.limits?.maxPatchBytes ?? this.#maxPatchBytes;
    this.#isWelcomed = true;
    for (const verdict of welcome.verdicts) this.#apply(verdict);
    const again = this.#owed.all();
    const { lastSettled } = this.#owed;
    if (this.flaw === "says-again-in-reverse") again.reverse();
    if (this.flaw === "says-again-what-is-settled" && lastSettled !== null) again.unshift(lastSettled);
    if (this.flaw === "says-again-in-one-message") this.#write(again);
    else for (const event of again) this.#write([event]);
    // P12.9
    if (this.#isDraining && isNew && this.flaw !== "forgets-its-drain") {
      this.#say({ case: "drain", value: { reason: "it is to end" } as Init<"drain"> } as Said);
    }
    const stream = this.#stream;
    const beat = setInterval(() => {
      if (stream !== this.#stream || this.#isKilled) return clearInterval(beat);
      const isSilent = performance.now() - alive.at > welcome.ttlMs;
      if (isSilent && this.flaw !== "waits-for-ever") stream?.cancel();
      else if (this.flaw !== "silent-while-busy" || [...this.#runs.values()].every((r) => r.state !== "HELD"))
        this.#beat();
    }, welcome.heartbeatIntervalMs);
    this.#timers.add(beat);
    this.#leaveWhenIdle();
  }

  #hear(event: Exclude<SchedulerEvent["event"], { case: "welcome" }>): void {
    switch (event.case) {
      case "lease":
        this.#begin(event.value);
        break;
      case "deferred":
        this.#deferred(this.#runs.get(event.value.leaseId), event.value.deferral);
        break;
      case "slotGranted":
        this.#granted(event.value.leaseId, event.value.deferral, event.value.outcome, false);
        break;
      case "cancel":
        if (event.value.reason === 2 && this.flaw === "ignores-timeouts") break;
        this.#fence(event.value.leaseId, this.flaw === "stopped-too-early");
        break;
      case "revoked":
        this.#revoke(event.value.leaseId);
        break;
      case "receipts":
        this.#settle(event.value);
        break;
      case "drain":
        this.#drainAsked(event.value);
        break;
      case undefined:
        if (this.flaw === "dies-of-unknown-events") this.#stream?.cancel();
        break;
      default:
    }
  }

  #drainAsked({ reconnect, reconnectAfterMs, graceMs }: SchedulerDrain): void {
    if (reconnect) this.#reconnectMs = reconnectAfterMs;
    else this.drain(graceMs);
  }

  #begin(lease: Lease): void {
    const known = this.#runs.get(lease.leaseId);
    if (known !== undefined && !(known.state === "FINISHED" && this.flaw === "runs-ended-lease-again")) return;
    const run = new Run(lease);
    const task = lease.workflow === "conformance" ? RAW_TASKS[lease.task] : undefined;
    const isOurs = lease.workflowVersion === this.#version || this.flaw === "any-version";
    this.#runs.set(run.id, run);
    if (task === undefined || !isOurs) this.#decline(run);
    else void this.#execute(run, task);
  }

  async #execute(run: Run, task: (run: Run, port: TaskPort) => Promise<void> | void): Promise<void> {
    let failure: unknown = null;
    try {
      await task(run, this);
    } catch (error) {
      failure = error;
    }
    if (run.stopping === "fenced") {
      if (!run.isStoppedSaid) this.#stopped(run);
    } else if (run.stopping === null) {
      const patch = run.takePatch();
      const bytes = patchBytes(patch);
      if (failure === null && bytes > this.#maxPatchBytes) {
        failure = new TaskFailure(`the patch has ${bytes} bytes`, "CONTEXT_TOO_LARGE", "final");
      }
      run.state = "FINISHED";
      if (failure === null) this.#about("complete", run, { patch });
      else if (!(failure instanceof Stop)) this.#fail(run, failure);
    }
  }

  #fail(run: Run, error: unknown): void {
    const { message, code, kind } =
      error instanceof TaskFailure ? error : new TaskFailure(String(error), "TASK_FAILED", "plain");
    const failure = { code, message, type: "Error" };
    this.#about("fail", run, { failure, transient: kind === "transient", final: kind === "final" });
  }

  #stopped(run: Run): void {
    run.isStoppedSaid = true;
    run.state = "FINISHED";
    this.#about("stopped", run, {});
  }

  #fence(leaseId: string, isSaidAtOnce = false): void {
    const run = this.#runs.get(leaseId);
    if (run === undefined || run.state === "FINISHED" || run.stopping !== null) return;
    run.stop("fenced");
    if (isSaidAtOnce) this.#stopped(run);
  }

  #revoke(leaseId: string): void {
    const run = this.#runs.get(leaseId);
    if (run === undefined || run.stopping === "fenced") return;
    run.stop("revoked");
    this.#runs.delete(leaseId);
    this.#owed.drop(leaseId);
    this.#leaveWhenIdle();
  }

  #deferred(run: Run | undefined, n: number): void {
    if (run?.state !== "DEFERRING" || run.deferral !== n || run.stopping !== null) return;
    run.state = "DEFERRED";
    if (this.#isGraceOver) this.#decline(run);
    else if (this.flaw === "polls-late") run.timer = this.#later(run.pollMs, () => this.#poll(run));
    else this.#poll(run);
  }

  #poll(run: Run): void {
    if (run.stopping !== null || (run.state !== "DEFERRED" && run.state !== "RECLAIMING")) return;
    const holds = run.condition();
    if (holds && run.state === "DEFERRED") {
      run.state = "RECLAIMING";
      run.isReclaimSaid = true;
      this.#about("reclaim", run, { deferral: run.deferral });
    }
    if (!holds || this.flaw === "polls-after-reclaim") run.timer = this.#later(run.pollMs, () => this.#poll(run));
  }

  #granted(leaseId: string, n: number, outcome: number, isVerdict: boolean): void {
    const run = this.#runs.get(leaseId);
    if (run === undefined || run.stopping !== null || run.state === "HELD" || run.state === "FINISHED") return;
    if (run.deferral !== n && this.flaw !== "takes-any-grant") return;
    const isOwn = this.flaw === "knows-the-outcome" && run.isReclaimSaid && !isVerdict;
    clearTimeout(run.timer);
    run.state = "HELD";
    run.goOn?.(isOwn ? DeferralOutcome.MET : outcome);
    run.goOn = null;
  }

  #apply({ leaseId, state, deferral, outcome }: LeaseVerdict): void {
    const run = this.#runs.get(leaseId);
    if (state === LeaseState.HELD && outcome !== 0 && this.flaw !== "ignores-lost-grants") {
      this.#granted(leaseId, deferral, outcome, true);
    } else if (state === LeaseState.DEFERRED) this.#deferred(run, deferral);
    else if (state === LeaseState.RECLAIMING && run !== undefined) {
      clearTimeout(run.timer);
      run.state = "RECLAIMING";
    } else if (state === LeaseState.ENDING && this.flaw !== "ignores-ending") this.#fence(leaseId);
    else if (state === LeaseState.REVOKED) this.#revoke(leaseId);
  }

  #handBack(run: Run): void {
    const isWaiting = run.state === "DEFERRED" || run.state === "RECLAIMING" || run.state === "DEFERRING";
    if (isWaiting || (run.state === "HELD" && this.flaw === "hands-back-what-runs")) this.#decline(run);
  }

  #decline(run: Run): void {
    if (run.stopping !== null) return;
    run.stop("declined");
    run.state = "FINISHED";
    this.#about("decline", run, { reason: "not here" });
  }

  #settle(receipts: Receipts): void {
    for (const leaseId of this.#owed.settle(receipts)) {
      if (this.#runs.get(leaseId)?.state === "FINISHED") this.#runs.delete(leaseId);
    }
    this.#leaveWhenIdle();
  }

  #about<K extends "complete" | "fail" | "deferUntil" | "reclaim" | "checkpoint" | "stopped" | "decline">(
    kind: K,
    { id }: Run,
    more: object,
  ): void {
    this.#say({ case: kind, value: { leaseId: id, ...more } } as unknown as Said);
    if (this.flaw === "leaves-early") this.#leaveWhenIdle();
  }

  #say(event: Said): void {
    const numbered = this.#owed.add(event);
    if (this.#isWelcomed) this.#write([numbered]);
  }

  #beat(): void {
    this.#write([create(HostEventSchema, { event: { case: "heartbeat", value: { nonce: 1n } } })]);
  }

  #write(events: HostEvent[]): void {
    if (events.length > 0) this.#stream?.write(create(WorkRequestSchema, { events }));
  }

  #later(ms: number, then: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isKilled) then();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  /** P12.6: ends its side of the stream once everything has a receipt. */
  #leaveWhenIdle(): void {
    if (!this.#isDraining || !this.#isWelcomed) return;
    const live = [...this.#runs.values()].filter(({ state }) => state !== "FINISHED").length;
    const isIdle = this.flaw === "leaves-early" ? live === 0 : this.#runs.size === 0 && this.#owed.size === 0;
    if (isIdle) this.#stream?.end();
  }

  #leave(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#client.close();
    this.#exit(0);
  }
}
