/** The shortest way to run a workflow: a scheduler in this process, or a remote one, with a host and a client. */
import { Client, type RunResult } from "../client/client.js";
import type { StartArguments } from "../client/start-options.js";
import type { WorkflowDefinition } from "../task/definition.js";
import { type EmbeddedScheduler, startEmbedded } from "./embedded.js";
import { checkWorkflow } from "./given-workflow.js";
import { Host, WITHOUT_TASKS } from "./host.js";
import type { HostLog } from "./host-log.js";
import { checkRunnerOptions, type DefaultRunnerOptions, isEmbedded } from "./runner-options.js";
import { watchService } from "./service-watch.js";

/** How long a task may be without a host before that is worth a word. */
const PATIENCE_MS = 3_000;

interface Parts {
  readonly scheduler: EmbeddedScheduler | null;
  readonly host: Host;
  readonly client: Client;
  readonly url: string;
  /**
   * Aborts when the host is refused for good, or the embedded scheduler's disk is. A host that ends otherwise leaves its work to
   * others.
   */
  readonly failure: AbortSignal;
}

export class DefaultRunner {
  readonly options: DefaultRunnerOptions;
  #parts: Promise<Parts> | null = null;

  /**
   * @param options a url, or options
   * @throws OptionsError with everything that is wrong with the options
   */
  constructor(options: string | DefaultRunnerOptions) {
    this.options = checkRunnerOptions(typeof options === "string" ? { url: options } : options);
  }

  /**
   * Runs a workflow to its end. When no host takes a task for 3 seconds, it says what is missing: to `log`, or as a warning of
   * the process with the code `CLOACA_TASK_NOT_SERVED`.
   *
   * @returns its final context, with the run
   * @throws DefinitionError when it is no workflow, or larger than the scheduler takes in a message
   * @throws RunFailedError when it failed or was cancelled, with the tasks that did not succeed
   * @throws CloacaError `STORE_UNAVAILABLE` when the disk of the embedded scheduler did not take a commit: open the store anew
   */
  async execute<Input extends object>(
    workflow: WorkflowDefinition<Input>,
    ...args: StartArguments<Input>
  ): Promise<RunResult> {
    checkWorkflow(workflow, "runner.execute");
    const { client, host, failure } = await this.#start();
    // The run is pinned to what was handed over, whatever version is the current one (P13).
    const version = await unless(failure, host.bring(workflow));
    const [input, options] = args;
    const pinned = [input ?? {}, { version, ...options }] as StartArguments<Input>;
    const { runId } = await unless(failure, client.start(workflow, ...pinned));
    const over = new AbortController();
    watchService(client, runId, { patienceMs: PATIENCE_MS, say: (...said) => this.#warn(runId, ...said) }, over.signal);
    try {
      return await client.result(runId, failure);
    } finally {
      over.abort();
    }
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
    const { host, client, scheduler, failure } = parts;
    // Without its scheduler the host cannot bring to an end what it has to say.
    await (scheduler === null ? host.drain() : Promise.race([host.drain(), scheduler.lost]));
    client.close();
    // What became of its disk is said already.
    await scheduler?.stop().catch((error: unknown) => {
      if (!failure.aborted) throw error;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #warn(run: string, task: string, reason: string): void {
    const { log } = this.options;
    if (log !== undefined) log.warn("task_not_served", { run, task, reason });
    else process.emitWarning(reason, { type: "CloacaWarning", code: "CLOACA_TASK_NOT_SERVED" });
  }

  #start(): Promise<Parts> {
    this.#parts ??= this.#build();
    return this.#parts;
  }

  async #build(): Promise<Parts> {
    const { url: wanted, listen = "127.0.0.1:0" } = this.options;
    const scheduler = isEmbedded(wanted) ? await startEmbedded(wanted, listen) : null;
    const url = scheduler?.url ?? wanted;
    try {
      return await this.#serve(scheduler, url);
    } catch (error) {
      // What became of its disk is said already.
      await scheduler?.stop().catch(() => {});
      throw error;
    }
  }

  async #serve(scheduler: EmbeddedScheduler | null, url: string): Promise<Parts> {
    const { slots, log } = this.options;
    const host = new Host({
      url,
      ...(slots === undefined ? null : { slots }),
      ...(log === undefined ? null : { log: exceptWithoutTasks(log) }),
    });
    const failure = new AbortController();
    host.run({ handleSignals: false }).catch((error: unknown) => failure.abort(error));
    void scheduler?.lost.then((error) => failure.abort(error));
    try {
      await unless(failure.signal, host.ready());
    } catch (error) {
      host.drain().catch(() => {});
      throw error;
    }
    return { scheduler, host, client: new Client({ url }), url, failure: failure.signal };
  }
}

/** What is waited for, or the reason of what ends the wait for ever. */
async function unless<T>(failure: AbortSignal, awaited: Promise<T>): Promise<T> {
  const over = new AbortController();
  const failed = new Promise<never>((_resolve, reject) => {
    const fail = (): void => reject(failure.reason as Error);
    if (failure.aborted) fail();
    else failure.addEventListener("abort", fail, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([awaited, failed]);
  } finally {
    over.abort();
  }
}

/** A runner's host has no tasks before the first workflow is executed: that is nothing to be told of. */
function exceptWithoutTasks(log: HostLog): HostLog {
  return {
    info: (message, fields) => log.info(message, fields),
    warn: (message, fields) => {
      if (message !== WITHOUT_TASKS) log.warn(message, fields);
    },
  };
}
