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

function goingOn(
  live: ReadonlyMap<string, LiveRun>,
  { namespace, workflow, before, limit }: Omit<RunFilter, "statuses">,
  statuses: readonly RunStatus[],
): ListedRun[] {
  const wanted = new Set(statuses.filter((status) => !isRunOver(status)));
  if (wanted.size === 0) return [];
  const found: ListedRun[] = [];
  for (const one of live.values()) {
    const run = one.run();
    if (one.number >= before || !wanted.has(run.status) || run.namespace !== namespace) continue;
    if (workflow === "" || run.workflow === workflow) found.push({ number: one.number, run });
  }
  return found.sort((a, b) => b.number - a.number).slice(0, limit);
}

function ended(
  journal: Pick<Journal, "listRuns">,
  filter: Omit<RunFilter, "statuses">,
  statuses: readonly RunStatus[],
): readonly ListedRun[] {
  const over = statuses.filter(isRunOver);
  return over.length === 0 ? [] : journal.listRuns({ ...filter, statuses: over });
}
