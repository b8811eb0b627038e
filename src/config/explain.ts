import { HoldfastError } from '../domain/errors.js';
import { formatAddress, type TargetAddress } from '../domain/address.js';
import type { Json } from '../domain/json.js';
import { load, type LoadOptions } from './load.js';
import { createReport, positionOf } from './problem.js';
import { scalarsOf } from './resolve.js';
import { formatPath, suggest } from './text.js';
import { child, leaves, type MapScalar, toPlain, type Tree } from './tree.js';

/** One value of a target's merged configuration, and where it was written. */
export interface ExplainedValue {
  /** `health[0].interval`. */
  readonly path: string;
  /** Variables replaced; a secret stays the reference it is. */
  readonly value: Json;
  /** Absolute; `default` for what nobody wrote, with line 0. */
  readonly file: string;
  readonly line: number;
}

/** What a target inherits from its environment when it says nothing itself. */
const INHERITED = ['owner', 'pool', 'remediation', 'firstSeen', 'settle', 'blindAfter', 'schedule', 'timezone', 'approvals', 'windows', 'limits'];

const DEFAULTS: readonly (readonly [string, Json])[] = [
  ['remediation', 'ask'], ['soak', '10m'], ['settle', '0s'], ['blindAfter', '45m'], ['observeTimeout', '1m'],
];

/** The merged configuration of one target, each value with its file and line. Throws a `ConfigError`, or `Invalid` for an unknown address. */
export async function explain(options: LoadOptions, address: TargetAddress): Promise<readonly ExplainedValue[]> {
  const { resolved, rootFolder } = await load(options);
  const found = resolved.find(({ target }) => target.environment === address.environment && target.target === address.target);
  if (found === undefined) {
    const known = resolved.map(({ target }) => formatAddress(target));
    throw new HoldfastError('Invalid', `the configuration has no target ${formatAddress(address)}`, { remedy: suggest(formatAddress(address), known) });
  }
  const { instance, target } = found;
  const values: ExplainedValue[] = [{ ...placed('provider', target.provider, instance.declared.provider) }];
  values.push(...explainTree(instance.tree, [], scalarsOf(instance, { report: createReport(), rootFolder })));
  for (const key of INHERITED) {
    const tree = child(instance.environment.tree, key);
    if (tree !== undefined && child(instance.tree, key) === undefined) values.push(...explainTree(tree, [key], (scalar) => scalar.value));
  }
  const limits = child(instance.environment.tree, 'remediation');
  // Both count: the most restrictive of what is said of the target, the class and the provider holds.
  if (limits?.kind === 'map' && child(instance.tree, 'remediation') !== undefined) values.push(...explainTree(limits, ['environment', 'remediation'], (scalar) => scalar.value));
  const told = new Set(values.flatMap((value) => [value.path, value.path.split('.')[0] ?? '']));
  values.push(...DEFAULTS.filter(([path]) => !told.has(path)).map(([path, value]) => ({ path, value, file: 'default', line: 0 })));
  if (!told.has('pool')) values.push({ path: 'pool', value: target.pool, file: 'default', line: 0 });
  return values.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function explainTree(tree: Tree, above: readonly PropertyKey[], map: MapScalar): ExplainedValue[] {
  return [...leaves(tree)].map(({ path, leaf }) => {
    const value = toPlain(leaf, (scalar) => map(scalar, path)) as Json;
    return placed(formatPath([...above, ...path]), value, leaf.at);
  });
}

function placed(path: string, value: Json, at: Tree['at']): ExplainedValue {
  return { path, value, file: at.file.path, line: positionOf(at.file, at.offset ?? 0).line };
}
