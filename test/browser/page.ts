/** What the page of `test/e2e/browser.test.ts` does. Runs in a browser, with what a browser gets of the SDK. */
import { Client, type CloacaError, ConnectionError, RemoteError, type RunEventName } from "@cloaca/sdk/client";

export interface Visit {
  readonly types: RunEventName[];
  readonly context: object;
  readonly tasks: string[];
  readonly ids: number;
  readonly refused: {
    readonly isRemote: boolean;
    readonly code: string;
    readonly message: string;
    readonly field: string;
  };
}

/** Starts a run of `workflow` and follows it to its end; then does something wrong. */
async function visit(url: string, workflow: string): Promise<Visit> {
  using client = new Client({ url });
  const { runId } = await client.start(workflow, { name: "browser" });
  const types: RunEventName[] = [];
  for await (const { events } of client.watch({ runId })) types.push(...events.map(({ type }) => type));
  const { context } = await client.result(runId);
  const tasks = await client.tasks(runId);
  // In one turn: they share a message.
  const many = await client.startMany(workflow, [{ name: "a" }, { name: "b" }]);
  const error = (await client.explain(runId, ["gret"]).catch((thrown: unknown) => thrown)) as RemoteError;
  return {
    types,
    context: context.toJSON(),
    tasks: tasks.map(({ task, state }) => `${task} ${state}`),
    ids: new Set(many.flatMap((started) => ("runId" in started ? [started.runId] : []))).size,
    refused: {
      isRemote: error instanceof RemoteError,
      code: error.code,
      message: error.message,
      field: error.details.problems?.[0]?.path ?? "",
    },
  };
}

/** Asks for the runs where nobody answers, or not this page. */
async function knock(url: string): Promise<{ isConnection: boolean; code: string; message: string }> {
  using client = new Client({ url });
  const error = (await client.list().catch((thrown: unknown) => thrown)) as CloacaError;
  return { isConnection: error instanceof ConnectionError, code: error.code, message: error.message };
}

Object.assign(globalThis, { visit, knock });
