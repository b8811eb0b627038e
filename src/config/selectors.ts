import type { Condition } from '../policy/condition.js';
import type { Selectors } from '../policy/rule.js';
import { compileGlobs } from '../providers/glob.js';
import type { Report } from './problem.js';
import { formatPath, quote } from './text.js';
import { locate, type Tree } from './tree.js';

/** How conditions call what `on` selects by. */
const MEMBERS: Readonly<Record<keyof Selectors, string>> = {
  type: 'change.type', path: 'change.path', class: 'change.class', kind: 'change.kind', effect: 'change.effect', provider: 'target.provider',
};

export interface Selecting {
  readonly on: Selectors;
  readonly condition: Condition | undefined;
  /** The rule, and how messages call it: `rules`, 3. */
  readonly tree: Tree;
  readonly where: readonly PropertyKey[];
  readonly report: Report;
}

/** What a rule selects must not be what its condition leaves out: such a rule would never be heard. */
export function checkSelectors({ on, condition, tree, where, report }: Selecting): void {
  const add = (path: readonly PropertyKey[], fact: string, remedy: string): void => report.add({ at: locate(tree, path).at, message: `${formatPath([...where, ...path])}: ${fact}`, remedy });
  for (const key of Object.keys(MEMBERS) as (keyof Selectors)[]) {
    const [selected, needed] = [on[key], condition?.needs[MEMBERS[key]]];
    if (selected === undefined || needed === undefined || needed.some(compileGlobs(selected))) continue;
    add(['when'], `${MEMBERS[key]} is never ${needed.slice(0, 3).map((word) => quote(word)).join(' or ')} where on.${key} selects ${selected.slice(0, 3).map((word) => quote(word)).join(', ')}: the rule would never be heard`, 'let both name the same, or leave one of them out');
  }
}
