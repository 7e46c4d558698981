/** Entries that a leaf holds before it is split; most contexts never are. */
const LEAF_MAX = 16;
const BITS = 4;
const WIDTH = 1 << BITS;
const HASH_BITS = 32;

type Leaf<V> = ReadonlyMap<string, V>;
interface Branch<V> {
  /** By the next four bits of the key's hash; always 16. */
  readonly children: readonly Node<V>[];
}
type Node<V> = Leaf<V> | Branch<V>;

/** How two maps become one. */
export interface Merging<V> {
  /** A key that only the other map has. */
  added(theirs: V, key: string): void;
  /** The value for a key that both maps have, with values that are not identical. */
  both(mine: V, theirs: V, key: string): V;
}

/**
 * An immutable map of strings that shares what is equal with the maps it came from: a hash trie of small plain maps. A
 * chain of 10,000 tasks that each add a key costs 10,000 small steps and not 10,000 copies, and merging two
 * maps passes over the parts they share. Up to 16 keys it is a plain map and no hash is computed.
 */
export class PersistentMap<V> {
  readonly #root: Node<V>;

  private constructor(root: Node<V>) {
    this.#root = root;
  }

  /** The map with the given entries. */
  static of<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    return new PersistentMap(settle(new Map(entries), 0));
  }

  get(key: string): V | undefined {
    return get(this.#root, key, 0);
  }

  /**
   * This map with the entries of another; this very map when that changes nothing. What the other map shares with `seen`
   * is passed over: of many maps that were made from one, each is then merged at the cost of its difference.
   */
  merge(other: PersistentMap<V>, merging: Merging<V>, seen?: PersistentMap<V>): PersistentMap<V> {
    const root = merge(this.#root, other.#root, seen === undefined ? undefined : seen.#root, 0, merging);
    return root === this.#root ? this : new PersistentMap(root);
  }

  /** The entries, in an order that depends on the keys alone once there are many. */
  entries(): Iterable<[string, V]> {
    return isLeaf(this.#root) ? this.#root : walk(this.#root);
  }
}

function isLeaf<V>(node: Node<V>): node is Leaf<V> {
  return node instanceof Map;
}

function get<V>(root: Node<V>, key: string, fromShift: number): V | undefined {
  let node = root;
  if (isLeaf(node)) return node.get(key);
  const hash = hashOf(key);
  for (let shift = fromShift; !isLeaf(node); shift += BITS) {
    const child: Node<V> | undefined = node.children[(hash >>> shift) & (WIDTH - 1)];
    if (child === undefined) return undefined;
    node = child;
  }
  return node.get(key);
}

// The recursion below is as deep as the hash has digits: 8.

function merge<V>(
  mine: Node<V>,
  theirs: Node<V>,
  seen: Node<V> | undefined,
  shift: number,
  merging: Merging<V>,
): Node<V> {
  if (mine === theirs || theirs === seen || (isLeaf(theirs) && theirs.size === 0)) return mine;
  if (isLeaf(mine)) {
    if (isLeaf(theirs)) return mergeLeaves(mine, theirs, seen, shift, merging);
    if (mine.size === 0 && seen === undefined) {
      for (const [key, value] of walk(theirs)) merging.added(value, key);
      return theirs;
    }
    return mergeBranches(split(mine, shift), theirs, seen, shift, merging) ?? mine;
  }
  const other = isLeaf(theirs) ? split(theirs, shift) : theirs;
  return mergeBranches(mine, other, seen, shift, merging) ?? mine;
}

function mergeLeaves<V>(
  mine: Leaf<V>,
  theirs: Leaf<V>,
  seen: Node<V> | undefined,
  shift: number,
  merging: Merging<V>,
): Node<V> {
  const known = seen !== undefined && isLeaf(seen) ? seen : EMPTY;
  let changed: Map<string, V> | null = null;
  for (const [key, value] of theirs) {
    if (known.get(key) === value) continue;
    const before = mine.get(key);
    if (before === value) continue;
    let after = value;
    if (before === undefined) merging.added(value, key);
    else {
      after = merging.both(before, value, key);
      if (after === before) continue;
    }
    changed ??= new Map(mine);
    changed.set(key, after);
  }
  return changed === null ? mine : settle(changed, shift);
}

/** The merged branch, or null when it is `mine`. */
function mergeBranches<V>(
  mine: Branch<V>,
  theirs: Branch<V>,
  seen: Node<V> | undefined,
  shift: number,
  merging: Merging<V>,
): Branch<V> | null {
  const known = seen === undefined || isLeaf(seen) ? undefined : seen.children;
  let changed: Node<V>[] | null = null;
  for (let digit = 0; digit < WIDTH; digit++) {
    const child = mine.children[digit];
    const other = theirs.children[digit];
    if (child === undefined || other === undefined) continue;
    const merged = merge(child, other, known?.[digit], shift + BITS, merging);
    if (merged === child) continue;
    changed ??= mine.children.slice();
    changed[digit] = merged;
  }
  return changed === null ? null : { children: changed };
}

function settle<V>(leaf: Leaf<V>, shift: number): Node<V> {
  if (leaf.size <= LEAF_MAX || shift >= HASH_BITS) return leaf;
  return {
    children: split(leaf, shift).children.map((child) => (isLeaf(child) ? settle(child, shift + BITS) : child)),
  };
}

// Shared by all maps, so that absent parts are identical.
const EMPTY: Leaf<never> = new Map<string, never>();

function split<V>(leaf: Leaf<V>, shift: number): Branch<V> {
  const parts = new Array<Map<string, V> | undefined>(WIDTH).fill(undefined);
  for (const [key, value] of leaf) {
    const digit = (hashOf(key) >>> shift) & (WIDTH - 1);
    const part = parts[digit];
    if (part) part.set(key, value);
    else parts[digit] = new Map([[key, value]]);
  }
  return { children: parts.map((part) => part ?? EMPTY) };
}

function* walk<V>(root: Node<V>): Generator<[string, V]> {
  if (isLeaf(root)) yield* root;
  else for (const child of root.children) yield* walk(child);
}

/** FNV-1a over the UTF-16 units, its bits mixed once more so that the low ones depend on all. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
