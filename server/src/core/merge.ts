/**
 * How contexts flow along the graph. A task's *view* maps each key to an entry: the value or a tombstone, and who wrote it.
 *
 * - A root's view is the run's input, whose writer comes before all tasks.
 * - Dependencies fold in declared order: a later entry replaces an earlier one, unless its writer is an earlier dependency
 *   or an ancestor of one (that branch has already decided about it).
 * - Then the task's own patch applies. Only what it changes counts: a key that is set to the text it has already, and a
 *   removed key that is not there, leave the entry and its writer as they are.
 *
 * So the result is deterministic, a branch that left a key alone never overrides one that changed it, a removed key stays
 * removed unless a later branch wrote it, and a conflict that a merge has resolved is not opened again below it.
 */
import { ancestors } from "./ancestors.js";
import { Bitset } from "./bitset.js";
import type { ContextText, Graph, Patch } from "./model.js";
import { entryBytes } from "./patch.js";
import { type Merging, PersistentMap } from "./persistent-map.js";

/** The writer of the run's initial context; it comes before all tasks. */
export const INPUT_WRITER = -1;

/** What a view knows about a key. */
export interface Entry {
  /** JSON text; null is the tombstone of a removed key. */
  readonly value: string | null;
  /** Index of the task that wrote it, or `INPUT_WRITER`. */
  readonly writer: number;
  /** What it counts for the limit (P10); 0 for a tombstone. */
  readonly bytes: number;
}

/** The context as one task sees it, or leaves it behind. Immutable; views share what they have in common. */
export interface View {
  readonly entries: PersistentMap<Entry>;
  /** What all live keys count for the limit (P10). */
  readonly bytes: number;
}

/** What a task leaves behind. */
export interface TaskView {
  readonly task: number;
  readonly view: View;
}

const EMPTY_VIEW: View = { entries: PersistentMap.of([]), bytes: 0 };

// All roots of a run start with one and the same view, so that folding them again passes over what they share.
const inputViews = new WeakMap<ContextText, View>();

/** The view that a run's roots start with. */
export function inputView(context: ContextText): View {
  const keys = Object.keys(context);
  // Most runs begin with nothing, and a weak map is work for the collector.
  if (keys.length === 0) return EMPTY_VIEW;
  const known = inputViews.get(context);
  if (known) return known;
  const entries = keys.map((key) => [key, liveEntry(key, context[key] ?? "", INPUT_WRITER)] as const);
  const bytes = entries.reduce((sum, [, entry]) => sum + entry.bytes, 0);
  const view = { entries: PersistentMap.of(entries), bytes };
  inputViews.set(context, view);
  return view;
}

/**
 * The view of a task before its own patch, from what its dependencies left behind, in declared order. With one dependency
 * it is that very view. (A root has none; its view is `inputView`.)
 */
export function foldViews(graph: Graph, dependencies: readonly TaskView[]): View {
  const first = dependencies[0];
  if (first === undefined) return EMPTY_VIEW;
  const decided = new DecidedTasks(graph, dependencies);
  let { entries, bytes } = first.view;
  let previous = first.view;
  dependencies.forEach(({ view }, position) => {
    const merging: Merging<Entry> = {
      added: (theirs) => {
        bytes += theirs.bytes;
      },
      both: (mine, theirs) => {
        if (theirs.writer === mine.writer || decided.has(theirs.writer, position)) return mine;
        bytes += theirs.bytes - mine.bytes;
        return theirs;
      },
    };
    // Folding an entry a second time changes nothing, so what a view shares with the one before it is done already.
    if (view !== previous) entries = entries.merge(view.entries, merging, previous.entries);
    previous = view;
  });
  return entries === first.view.entries ? first.view : { entries, bytes };
}

/** The view of a finished run: its leaves' views, folded in declared order. */
export function finalContext(graph: Graph, leaves: readonly TaskView[]): View {
  return foldViews(
    graph,
    [...leaves].sort((a, b) => a.task - b.task),
  );
}

/** The view after a task's patch; the same view when the patch changes nothing. A key both removed and set is set. */
export function applyPatch(view: View, patch: Patch | null, writer: number): View {
  if (patch === null) return view;
  const changes: [string, Entry][] = [];
  let { bytes } = view;
  for (const key of patch.removed) {
    const before = view.entries.get(key);
    if (before === undefined || before.value === null || Object.hasOwn(patch.set, key)) continue;
    changes.push([key, { value: null, writer, bytes: 0 }]);
  }
  for (const key of Object.keys(patch.set)) {
    const value = patch.set[key] ?? "";
    if (view.entries.get(key)?.value === value) continue;
    changes.push([key, liveEntry(key, value, writer)]);
  }
  if (changes.length === 0) return view;
  const entries = view.entries.merge(PersistentMap.of(changes), {
    added: (after) => {
      bytes += after.bytes;
    },
    both: (before, after) => {
      bytes += after.bytes - before.bytes;
      return after;
    },
  });
  return { entries, bytes };
}

/** The patch that does what `first` and then `second` do. */
export function combinePatches(first: Patch | null, second: Patch): Patch {
  if (first === null) return second;
  const set = new Map<string, string>();
  for (const key of Object.keys(first.set)) set.set(key, first.set[key] ?? "");
  for (const key of second.removed) set.delete(key);
  for (const key of Object.keys(second.set)) set.set(key, second.set[key] ?? "");
  const removed = new Set([...first.removed, ...second.removed]);
  for (const key of set.keys()) removed.delete(key);
  return { set: Object.fromEntries(set), removed: [...removed] };
}

/** The live keys of a view and their JSON texts. */
export function viewToText(view: View): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [key, { value }] of view.entries.entries()) if (value !== null) text[key] = value;
  return text;
}

/** The tasks that the dependencies before a position have decided about: themselves and their ancestors. Grows only as far as it is asked. */
class DecidedTasks {
  readonly #graph: Graph;
  readonly #dependencies: readonly TaskView[];
  #members: Bitset | null = null;
  #known = 0;

  constructor(graph: Graph, dependencies: readonly TaskView[]) {
    this.#graph = graph;
    this.#dependencies = dependencies;
  }

  /** Whether the writer is one of the dependencies before `position`, or an ancestor of one. */
  has(writer: number, position: number): boolean {
    if (writer === INPUT_WRITER) return true;
    this.#members ??= new Bitset(this.#graph.tasks.length);
    for (; this.#known < position; this.#known++) {
      const dependency = this.#dependencies[this.#known];
      // A member's ancestors are members already.
      if (dependency === undefined || this.#members.has(dependency.task)) continue;
      this.#members.add(dependency.task);
      this.#members.addAll(ancestors(this.#graph, dependency.task));
    }
    return this.#members.has(writer);
  }
}

function liveEntry(key: string, value: string, writer: number): Entry {
  return { value, writer, bytes: entryBytes(key, value) };
}
