/** The shortest way to run a workflow: a scheduler in this process, or a remote one, with a host and a client. */
import { Client, type RunResult, type StartArguments } from "../client/client.js";
import { CloacaError } from "../errors/index.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { type EmbeddedScheduler, startEmbedded } from "./embedded.js";
import { Host } from "./host.js";
import type { HostLog } from "./host-log.js";

export interface DefaultRunnerOptions {
  /** `memory:`, `sqlite://<path>`, or the address of a scheduler: `grpc://host:port`, `grpcs://host:port`. */
  readonly url: string;
  /** Tasks that may hold a slot at once. 10 by default. */
  readonly slots?: number;
  /** Where an embedded scheduler listens, so that grpcurl and other hosts reach it. A free port of loopback by default. */
  readonly listen?: string;
  readonly log?: HostLog;
}

interface Parts {
  readonly scheduler: EmbeddedScheduler | null;
  readonly host: Host;
  readonly client: Client;
  readonly url: string;
  readonly hostEnd: Promise<void>;
}

export class DefaultRunner {
  readonly options: DefaultRunnerOptions;
  #parts: Promise<Parts> | null = null;
  readonly #registered = new Map<string, WorkflowDefinition<object>>();

  constructor(options: string | DefaultRunnerOptions) {
    this.options = typeof options === "string" ? { url: options } : options;
  }

  /**
   * Runs a workflow to its end.
   *
   * @returns its final context, with the run
   * @throws RunFailedError when it failed or was cancelled, with the tasks that did not succeed
   */
  async execute<Input extends object>(
    workflow: WorkflowDefinition<Input>,
    ...args: StartArguments<Input>
  ): Promise<RunResult> {
    const { client, host } = await this.#start();
    if (this.#registered.get(workflow.name) !== workflow) {
      this.#registered.set(workflow.name, workflow);
      await host.bring(workflow);
    }
    return client.execute(workflow, ...args);
  }

  /** Address of the scheduler, for grpcurl and for other hosts. Starts it when it does not run yet. */
  async address(): Promise<string> {
    return (await this.#start()).url;
  }

  /** A client of the scheduler. */
  async client(): Promise<Client> {
    return (await this.#start()).client;
  }

  /** Finishes what runs and ends everything. */
  async close(): Promise<void> {
    const parts = await this.#parts?.catch(() => null);
    this.#parts = null;
    if (parts === null || parts === undefined) return;
    await parts.host.drain();
    parts.client.close();
    await parts.scheduler?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(): Promise<Parts> {
    this.#parts ??= this.#build();
    return this.#parts;
  }

  async #build(): Promise<Parts> {
    const { url: wanted, slots, listen = "127.0.0.1:0", log } = this.options;
    const isEmbedded = wanted.startsWith("sqlite://") || wanted.startsWith("memory:");
    if (!isEmbedded && !/^grpcs?:\/\//.test(wanted)) {
      throw new CloacaError(
        "REQUEST_INVALID",
        `runner url "${wanted}" is not one of memory:, sqlite://<path>, grpc(s)://host:port`,
      );
    }
    const scheduler = isEmbedded ? await startEmbedded(wanted, listen) : null;
    const url = scheduler?.url ?? wanted;
    const host = new Host({
      url,
      ...(slots === undefined ? null : { slots }),
      ...(log === undefined ? null : { log }),
    });
    const client = new Client({ url });
    const hostEnd = host.run({ handleSignals: false });
    await Promise.race([host.ready(), hostEnd]);
    return { scheduler, host, client, url, hostEnd };
  }
}
