/** Which run is meant: an id, the beginning of one, or `last`. */
import { type Client, RemoteError, type RunInfo } from "@cloaca/sdk/client";
import { CommandError, type Hint } from "./command-error.js";
import { EXIT } from "./exit-code.js";
import { nearest } from "./nearest.js";

/** Runs that are looked through, newest first. */
const MOST_SEARCHED = 10_000;
const PAGE = 1_000;
/** Ids that a message names. */
const SHOWN = 5;

/** What a scheduler makes: its time, and what chance adds. */
const WHOLE_ID = /^r[0-9a-z]{9}[0-9a-v]{12}$/;

const SEE_RUNS: Hint = { what: "see the runs that there are", command: "cloaca runs" };

/** The run; its context and counts are there, as in `Client.get`. */
export async function resolveRun(client: Client, text: string): Promise<RunInfo> {
  if (text === "last") return client.get(await newest(client));
  let refusal: RemoteError;
  try {
    return await client.get(text);
  } catch (error) {
    if (!(error instanceof RemoteError) || error.code !== "RUN_NOT_FOUND") throw error;
    refusal = error;
  }
  const ids = await recentIds(client);
  const found = ids.filter((id) => id.startsWith(text));
  const [only] = found;
  if (only !== undefined && found.length === 1) return client.get(only);
  throw only === undefined ? notFound(text, ids, refusal) : ambiguous(text, found);
}

async function newest(client: Client): Promise<string> {
  const { runs } = await client.list({ pageSize: 1 });
  const [run] = runs;
  if (run !== undefined) return run.runId;
  throw new CommandError("there is no run yet", {
    exitCode: EXIT.refused,
    code: "RUN_NOT_FOUND",
    hints: [{ what: "see what can be run", command: "cloaca workflows" }],
  });
}

async function recentIds(client: Client): Promise<string[]> {
  const ids: string[] = [];
  let pageToken = "";
  do {
    const page = await client.list({ pageSize: PAGE, pageToken });
    ids.push(...page.runs.map(({ runId }) => runId));
    pageToken = page.nextPageToken;
  } while (pageToken !== "" && ids.length < MOST_SEARCHED);
  return ids;
}

function notFound(text: string, ids: readonly string[], refusal: RemoteError): CommandError {
  // Of a whole id the scheduler can say more: that runs were purged.
  if (WHOLE_ID.test(text)) {
    return new CommandError(refusal.message, { exitCode: EXIT.refused, code: "RUN_NOT_FOUND", hints: [SEE_RUNS] });
  }
  const near = nearestId(text, ids);
  const meant = near === null ? "" : `; did you mean ${near}?`;
  const hints = near === null ? [SEE_RUNS] : [{ what: "show that one", command: `cloaca show ${near}` }, SEE_RUNS];
  return new CommandError(`no run's id is, or begins with, ${JSON.stringify(text)}${meant}`, {
    exitCode: EXIT.refused,
    code: "RUN_NOT_FOUND",
    hints,
  });
}

/** Ids of runs that were started together share their beginnings. */
function nearestId(text: string, ids: readonly string[]): string | null {
  const beginnings = new Map(ids.map((id) => [id.slice(0, text.length), id]));
  const near = nearest(text, [...beginnings.keys()]);
  return near === null ? null : (beginnings.get(near) ?? null);
}

function ambiguous(text: string, found: readonly string[]): CommandError {
  const more = found.length > SHOWN ? `, and ${found.length - SHOWN} more` : "";
  const message = `${found.length} runs begin with ${JSON.stringify(text)}: ${found.slice(0, SHOWN).join(", ")}${more}`;
  const hints = [{ what: "show the newest of them", command: `cloaca show ${found[0]}` }, SEE_RUNS];
  return new CommandError(message, { exitCode: EXIT.refused, code: "RUN_AMBIGUOUS", hints });
}
