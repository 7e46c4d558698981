/** A scheduler under attack, and a bystander: a host whose work has to go on at its usual pace meanwhile. */
import { create, type DescMethod, type DescService, toBinary } from "@bufbuild/protobuf";
import { HostAdminService, HostService, RunService, WorkflowService } from "@cloaca/protocol";
import { credentials, Client as GrpcClient, type ServiceError, status } from "@grpc/grpc-js";
import { expect } from "vitest";
import { residentKib } from "../../bench/src/processes/usage.js";
import { FaultWorld } from "./fault-world.js";
import { figure } from "./figures.js";

const SERVICES: readonly DescService[] = [HostService, WorkflowService, RunService, HostAdminService];
export const UNARY = SERVICES.flatMap((service) => service.methods.filter((m) => m.methodKind === "unary"));
/** Statuses that say of a defect of ours. */
const DEFECTS: readonly number[] = [status.INTERNAL, status.UNKNOWN];
/** More than anything here has a right to. */
const MAX_GROWTH_KIB = 200 * 1024;
/** A run of five tasks, one of which waits 20 ms, takes no longer, whatever others do meanwhile. */
const PATIENCE_MS = 10_000;

export class HostileScene {
  readonly #work: Promise<void>;
  readonly grpc: GrpcClient;
  readonly #before: number;
  #most = 0;
  #isOver = false;
  #runs = 0;
  #slowestMs = 0;

  private constructor(readonly world: FaultWorld) {
    this.grpc = new GrpcClient(world.address, credentials.createInsecure());
    this.#before = residentKib(world.scheduler.pid);
    this.#work = this.#goOn();
    // It is told of where it is awaited.
    this.#work.catch(() => {});
  }

  static async start(): Promise<HostileScene> {
    const world = await FaultWorld.start({ ttlMs: 5_000, args: ["--check-books"] });
    await world.host("bystander", 5);
    return new HostileScene(world);
  }

  get address(): string {
    return this.world.address;
  }

  /** Calls a method with bytes; resolves with the status. */
  call(method: DescMethod, bytes: Uint8Array): Promise<number> {
    const { grpc } = this;
    const options = { deadline: Date.now() + 20_000 };
    return new Promise((resolve) => {
      grpc.makeUnaryRequest(pathOf(method), same, same, Buffer.from(bytes), options, (error: ServiceError | null) =>
        resolve(error?.code ?? status.OK),
      );
    });
  }

  /** Writes messages into a `Work` stream of its own and ends it; resolves with the status. */
  stream(messages: readonly Uint8Array[]): Promise<number> {
    const stream = this.grpc.makeBidiStreamRequest(pathOf(HostService.method.work), same, same);
    stream.on("data", () => {});
    stream.on("error", () => {});
    const ended = new Promise<number>((resolve) => {
      stream.on("status", ({ code }: { code: number }) => resolve(code));
    });
    for (const bytes of messages) stream.write(Buffer.from(bytes));
    stream.end();
    return ended;
  }

  /** The scheduler answers, has not grown, has met no defect, and the bystander has been served since the last time. */
  async expectUnharmed(): Promise<void> {
    const list = toBinary(
      WorkflowService.method.listWorkflows.input,
      create(WorkflowService.method.listWorkflows.input),
    );
    expect(await this.call(WorkflowService.method.listWorkflows, list)).toBe(status.OK);
    const { scheduler } = this.world;
    expect(scheduler.child.exitCode).toBeNull();
    expect(scheduler.logs.filter(({ event }) => event === "turn_failed" || event === "books_wrong")).toEqual([]);
    this.#most = Math.max(this.#most, residentKib(scheduler.pid) - this.#before);
    expect(this.#most).toBeLessThan(MAX_GROWTH_KIB);
    const before = this.#runs;
    await Promise.race([this.#work, this.#after(before + 1)]);
    expect(this.#runs).toBeGreaterThan(before);
  }

  /** Ends it; the books have to be right. */
  async close(name: string): Promise<void> {
    this.#isOver = true;
    await this.#work;
    this.grpc.close();
    figure(`${name}: memory of the scheduler grew by at most`, this.#most / 1024, "MiB");
    figure(
      `${name}: runs of the bystander meanwhile`,
      this.#runs,
      `runs, the slowest in ${Math.round(this.#slowestMs)} ms`,
    );
    await this.world.close();
  }

  #woken: () => void = () => {};

  async #after(runs: number): Promise<void> {
    while (this.#runs < runs && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }

  /** The bystander's work: one run after the other. */
  async #goOn(): Promise<void> {
    const client = this.world.client();
    while (!this.#isOver) {
      const begun = performance.now();
      const { runId } = await client.start("load");
      expect((await client.wait(runId)).status).toBe("SUCCEEDED");
      const tookMs = performance.now() - begun;
      expect(tookMs).toBeLessThan(PATIENCE_MS);
      this.#slowestMs = Math.max(this.#slowestMs, tookMs);
      this.#runs++;
      this.#woken();
    }
  }
}

/** An answer that says what is wrong, or that nothing is. */
export function expectCoded(code: number): void {
  expect(DEFECTS).not.toContain(code);
}

export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
