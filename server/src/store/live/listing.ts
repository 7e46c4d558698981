/** Lists runs: what goes on is in memory, whose rows say less of it; what has ended is read from history. */
import type { Run, RunStatus } from "../../core/model.js";
import { isRunOver } from "../../core/run-machine.js";
import { parsePageToken } from "../page-token.js";
import type { Page, RunQuery } from "../store.js";
import type { Journal, ListedRun, RunFilter } from "./journal.js";
import type { LiveRun } from "./live-run.js";

/** The newest runs first. Throws PAGE_TOKEN_INVALID. */
export function listRuns(
  journal: Pick<Journal, "listRuns">,
  live: ReadonlyMap<string, LiveRun>,
  { namespace, workflow, statuses, pageSize, pageToken }: RunQuery,
): Page<Run> {
  const before = pageToken === "" ? Number.MAX_SAFE_INTEGER : parsePageToken(pageToken);
  const filter = { namespace, workflow, before, limit: pageSize + 1 };
  const found =
    statuses.length === 0
      ? journal.listRuns({ ...filter, statuses })
      : [...goingOn(live, filter, statuses), ...ended(journal, filter, statuses)].sort((a, b) => b.number - a.number);
  const page = found.slice(0, pageSize);
  return {
    items: page.map(({ run }) => live.get(run.id)?.run() ?? run),
    nextPageToken: found.length > pageSize ? String(page.at(-1)?.number ?? 0) : "",
  };
}

/** The newest `limit` of them, wherever they stand among many others: at most twice as many are kept and sorted at a time. */
function goingOn(
  live: ReadonlyMap<string, LiveRun>,
  { namespace, workflow, before, limit }: Omit<RunFilter, "statuses">,
  statuses: readonly RunStatus[],
): ListedRun[] {
  const wanted = new Set(statuses.filter((status) => !isRunOver(status)));
  if (wanted.size === 0) return [];
  let found: LiveRun[] = [];
  let after = 0;
  for (const one of live.values()) {
    if (one.number >= before || one.number <= after) continue;
    const run = one.run();
    if (!wanted.has(run.status) || run.namespace !== namespace) continue;
    if (workflow !== "" && run.workflow !== workflow) continue;
    found.push(one);
    if (found.length < 2 * limit) continue;
    found = newest(found, limit);
    after = found.at(-1)?.number ?? 0;
  }
  return newest(found, limit).map((one) => ({ number: one.number, run: one.run() }));
}

function newest(runs: LiveRun[], limit: number): LiveRun[] {
  return runs.sort((a, b) => b.number - a.number).slice(0, limit);
}

function ended(
  journal: Pick<Journal, "listRuns">,
  filter: Omit<RunFilter, "statuses">,
  statuses: readonly RunStatus[],
): readonly ListedRun[] {
  const over = statuses.filter(isRunOver);
  return over.length === 0 ? [] : journal.listRuns({ ...filter, statuses: over });
}
