import type { Place } from './problem.js';

/**
 * A configuration value that still knows where it was written, so that merging, substitution and
 * errors can always name the file and line a value came from.
 */
export type Tree = ScalarTree | ListTree | MapTree;

export type Scalar = string | number | boolean | null;

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: Scalar;
}

export interface ListTree {
  readonly kind: 'list';
  readonly at: Place;
  readonly items: readonly Tree[];
}

export interface MapTree {
  readonly kind: 'map';
  readonly at: Place;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly key: Place;
  readonly value: Tree;
}

export function emptyMap(at: Place): MapTree {
  return { kind: 'map', at, entries: new Map() };
}

export function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined;
}

/** The entries of a map; nothing for anything else. */
export function entriesOf(tree: Tree | undefined): readonly (readonly [string, MapEntry])[] {
  return tree?.kind === 'map' ? [...tree.entries] : [];
}

/** Maps are merged by key; lists and scalars of `over` replace what was there. */
export function mergeTrees(base: Tree, over: Tree): Tree {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? entry : { key: entry.key, value: mergeTrees(below.value, entry.value) });
  }
  return { kind: 'map', at: base.at, entries };
}

/** A map without some of its keys. */
export function without(tree: MapTree, keys: readonly string[]): MapTree {
  const entries = new Map([...tree.entries].filter(([key]) => !keys.includes(key)));
  return { kind: 'map', at: tree.at, entries };
}

export type MapScalar = (scalar: ScalarTree, path: readonly PropertyKey[]) => Scalar;

/** The plain value, each scalar passed through `map`. */
export function toPlain(tree: Tree, map: MapScalar = (scalar) => scalar.value, path: readonly PropertyKey[] = []): unknown {
  if (tree.kind === 'scalar') return map(tree, path);
  if (tree.kind === 'list') return tree.items.map((item, index) => toPlain(item, map, [...path, index]));
  const object: Record<string, unknown> = {};
  for (const [key, entry] of tree.entries) object[key] = toPlain(entry.value, map, [...path, key]);
  return object;
}

export interface Located {
  /** The value's own place, its key's where it has one, or that of the nearest thing above it. */
  readonly at: Place;
  readonly tree?: Tree;
}

/** Where a path stands; what is not there is located at the nearest thing above it. */
export function locate(root: Tree, path: readonly PropertyKey[]): Located {
  let tree: Tree = root;
  let at = root.at;
  for (const part of path) {
    const next = step(tree, part);
    if (next === undefined) return { at };
    at = next.at;
    tree = next.tree;
  }
  return { at, tree };
}

function step(tree: Tree, part: PropertyKey): { at: Place; tree: Tree } | undefined {
  if (tree.kind === 'map') {
    const entry = tree.entries.get(String(part));
    if (entry === undefined) return undefined;
    // A collection is pointed at by its key: that is the line a person looks for.
    return { at: entry.value.kind === 'scalar' ? entry.value.at : entry.key, tree: entry.value };
  }
  if (tree.kind !== 'list') return undefined;
  const item = tree.items[Number(part)];
  return item === undefined ? undefined : { at: item.at, tree: item };
}

/** Where the key of a path stands. */
export function locateKey(root: Tree, path: readonly PropertyKey[]): Place {
  const above = locate(root, path.slice(0, -1)).tree;
  const key = path.at(-1);
  const entry = above?.kind === 'map' && key !== undefined ? above.entries.get(String(key)) : undefined;
  return entry?.key ?? locate(root, path).at;
}

/** Every scalar with its path, in order. */
export function* leaves(tree: Tree, path: readonly PropertyKey[] = []): Generator<{ readonly path: readonly PropertyKey[]; readonly leaf: Tree }> {
  if (tree.kind === 'list' && tree.items.length > 0) {
    for (const [index, item] of tree.items.entries()) yield* leaves(item, [...path, index]);
  } else if (tree.kind === 'map' && tree.entries.size > 0) {
    for (const [key, entry] of tree.entries) yield* leaves(entry.value, [...path, key]);
  } else {
    yield { path, leaf: tree };
  }
}
