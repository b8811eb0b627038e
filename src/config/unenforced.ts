import type { ConfigWarning } from './config.js';
import type { EnvironmentEntry } from './environments.js';
import { child } from './tree.js';
import type { Resolved } from './rules.js';

const NOT_YET = 'is checked but not yet enforced by this version';

/** What is set and valid, but changes nothing yet: nobody should count on it. */
export function unenforced(environments: Iterable<EnvironmentEntry>, resolved: readonly Resolved[]): readonly ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const add = (where: string, message = NOT_YET) => warnings.push({ where, message });
  for (const { name, tree } of environments) {
    const where = `environments.${name}`;
    if (child(tree, 'credentials') !== undefined) add(`${where}.credentials`, 'is checked, but no provider of this version uses it');
  }
  const declared = new Set(resolved.filter(({ instance }) => child(instance.tree, 'schedule') !== undefined).map(({ instance }) => instance.declared.name));
  for (const name of declared) add(`targets.${name}.schedule`, `${NOT_YET}: the schedule of the environment holds`);
  return warnings;
}
