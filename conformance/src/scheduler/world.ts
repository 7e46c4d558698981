/** What a case of a scheduler needs: hosts of its own, and a workflow that no other case has. */
import { randomBytes } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RunService, type TaskDefinitionSchema, type Welcome } from "@cloaca/protocol";
import type { LiveScheduler } from "./live-scheduler.js";
import { type HelloFields, ScriptedHost } from "./scripted-host.js";

type TaskFields = Exclude<MessageInitShape<typeof TaskDefinitionSchema>, { readonly $typeName: string }>;

export interface Joined {
  readonly host: ScriptedHost;
  readonly welcome: Welcome;
  readonly hello: HelloFields;
}

export class World {
  /** Unique for each case, also at a scheduler with a past. */
  readonly workflow = `conformance_${randomBytes(6).toString("hex")}`;
  readonly #hosts: ScriptedHost[] = [];

  constructor(readonly scheduler: LiveScheduler) {}

  /** A Hello of a host that brings a workflow with one task, `work`. */
  hello(name = "first", more: HelloFields = {}, task: TaskFields = {}): HelloFields {
    return {
      protocolMin: 1,
      protocolMax: 1,
      hostId: `${this.workflow}-${name}`,
      instanceId: randomBytes(8).toString("hex"),
      slots: 2,
      definitions: [{ name: this.workflow, tasks: [{ id: "work", ...task }] }],
      implementations: [{ workflow: this.workflow }],
      ...more,
    };
  }

  connect(seq = 0n): ScriptedHost {
    const host = new ScriptedHost(this.scheduler, seq);
    this.#hosts.push(host);
    return host;
  }

  async join(name = "first", more: HelloFields = {}, task: TaskFields = {}): Promise<Joined> {
    const hello = this.hello(name, more, task);
    const host = this.connect();
    return { host, hello, welcome: await host.welcome(hello) };
  }

  /** Breaks the connection and says Hello again, with the token and these leases. */
  async rejoin({ host, hello, welcome }: Joined, heldLeases: HelloFields["heldLeases"] = []): Promise<Joined> {
    host.cut();
    const again = this.connect(host.seq);
    const same = { ...hello, resumeToken: welcome.resumeToken, heldLeases };
    return { host: again, hello, welcome: await again.welcome(same) };
  }

  async start(context: Record<string, string> = {}): Promise<string> {
    const run = { workflow: this.workflow, context };
    return (await this.scheduler.call(RunService.method.startRun, { run })).runId;
  }

  async cancel(runId: string): Promise<void> {
    await this.scheduler.call(RunService.method.cancelRun, { runId, reason: "the test asks" });
  }

  /** Status of a run, once it has ended. */
  async ended(runId: string): Promise<number> {
    const waitMs = Math.min(this.scheduler.patienceMs - 100, 60_000);
    return (await this.scheduler.call(RunService.method.getRun, { runId, waitMs })).run?.status ?? 0;
  }

  close(): void {
    for (const host of this.#hosts) {
      host.finish();
      host.cut();
    }
  }
}
