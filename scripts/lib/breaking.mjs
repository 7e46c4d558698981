// `buf breaking` against what main has promised.
//
// On a branch that is the merge base with main. On main itself that would compare a commit with itself and could never
// fail, so the history counts: the contract since it was first committed, or since a commit whose message carries the line
// `Protocol-break: <why>` (it may touch nothing else), and the state before the latest change.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, nodeBin } from "./process.mjs";

const contract = "proto/cloaca";

/** @returns {Promise<{ result: "passed" | "failed" | "skipped", output: string }>} */
export async function breaking() {
  if ((await git("rev-parse", "HEAD")) === undefined) return skipped("there is no commit yet, so main has no protos");
  if ((await git("rev-parse", "--is-shallow-repository")) === "true") return skipped("this clone has no history");
  const first = (await git("log", "--format=%H", "--reverse", "--", contract))?.split("\n")[0];
  if (!first) return skipped("main has no protos yet");
  const since = (await git("log", "-1", "--format=%H", "-E", "--grep=^Protocol-break: .")) || first;

  const latest = await git("log", "-1", "--format=%H", "--", contract);
  const changedHere = (await git("status", "--porcelain", "--", contract)) !== "";
  const main =
    (await git("rev-parse", "--verify", "--quiet", "origin/main")) ??
    (await git("rev-parse", "--verify", "--quiet", "main"));
  const candidates = [
    since,
    main && (await git("merge-base", "HEAD", main)),
    changedHere ? await git("rev-parse", "HEAD") : await git("rev-parse", "--verify", "--quiet", `${latest}^`),
  ];

  /** @type {Map<string, string>} tree of protos to the commit that has it */
  const bases = new Map();
  for (const commit of candidates) {
    if (!commit) continue;
    const tree = await git("rev-parse", "--verify", "--quiet", `${commit}:${contract}`);
    if (tree === undefined || bases.has(tree)) continue;
    if ((await git("merge-base", "--is-ancestor", since, commit)) !== undefined) bases.set(tree, commit);
  }
  const lines = [];
  let failed = false;
  const folder = mkdtempSync(join(tmpdir(), "cloaca-breaking-"));
  try {
    for (const commit of bases.values()) {
      const title = await git("log", "-1", "--format=%h (%s)", commit);
      const archive = join(folder, `${commit}.tar`);
      if ((await git("archive", "--format=tar", `--output=${archive}`, commit, contract)) === undefined) {
        throw new Error(`git archive ${commit} failed`);
      }
      const [buf, ...args] = nodeBin("buf");
      const run = await capture(buf, [...args, "breaking", "--against", `${archive}#strip_components=1`]);
      lines.push(`against ${title}: ${run.ok ? "nothing breaks" : "breaks"}`, run.output);
      failed ||= !run.ok;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (failed) lines.push("A break that is meant needs a commit with the line `Protocol-break: <why>` in its message.");
  return { result: failed ? "failed" : "passed", output: lines.filter(Boolean).join("\n") };
}

/** @param {string} why @returns {{ result: "skipped", output: string }} */
function skipped(why) {
  return { result: "skipped", output: why };
}

/**
 * @param {...string} args
 * @returns {Promise<string | undefined>} what git printed; undefined when it failed
 */
async function git(...args) {
  const { ok, output } = await capture("git", args);
  return ok ? output.trim() : undefined;
}
