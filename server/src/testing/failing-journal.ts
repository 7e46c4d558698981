import type { Journal, WriteSet } from "../store/live/journal.js";

export type FailingJournal = Journal & {
  /** Whether commits fail. */
  fails: boolean;
  /** What becomes of the next commits, one by one, before `fails` counts again. */
  readonly plan: ("commits" | "fails")[];
};

/** Makes the commits of a journal fail that a test wants to fail. */
export function failing(journal: Journal): FailingJournal {
  const commit = journal.commit.bind(journal);
  const failingJournal: FailingJournal = Object.assign(journal, {
    fails: false,
    plan: [],
    commit(writes: WriteSet) {
      const planned = failingJournal.plan.shift();
      if (planned === undefined ? failingJournal.fails : planned === "fails") throw new Error("the disk is full");
      commit(writes);
    },
  });
  return failingJournal;
}
