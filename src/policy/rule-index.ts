import type { ChangeClass } from '../domain/deciding/class.js';
import type { Change } from '../domain/change.js';
import { compileGlobs } from '../providers/glob.js';
import type { Rule } from './rule.js';

/** What rules are found by. */
export interface Traits {
  readonly type: string;
  readonly path: string;
  readonly class: ChangeClass;
  readonly kind: Change['kind'];
  readonly effect: Change['effect'];
  readonly provider: string;
}

/** The rules that may concern a change, in their order. */
export type RuleIndex = (traits: Traits) => readonly Rule[];

type Trait = keyof Traits;

/** Most telling first: a rule waits under the words of the first of these that it names exactly. */
const TRAITS: readonly Trait[] = ['path', 'type', 'class', 'provider', 'effect', 'kind'];
const GLOB = /[*?[\]{}\\]/;
/** Changes of one shape find the same rules; so many shapes are remembered. */
const MOST_SHAPES = 4_096;

interface Filed {
  readonly order: number;
  readonly rule: Rule;
  readonly selects: (traits: Traits) => boolean;
}

/** Asked with ten thousand changes, a rule is looked at only by those that have its words. */
export function indexRules(rules: readonly Rule[]): RuleIndex {
  const filed = new Map<string, Filed[]>();
  const anywhere: Filed[] = [];
  for (const [order, rule] of rules.entries()) {
    const exact = exactly(rule);
    const each: Filed = { order, rule, selects: selectorOf(rule, exact) };
    const [trait, words] = TRAITS.map((name) => [name, exact[name]] as const).find(([, found]) => found !== undefined) ?? [];
    if (trait === undefined || words === undefined) anywhere.push(each);
    else for (const word of new Set(words)) push(filed, `${trait} ${word}`, each);
  }
  const shapes = new Map<string, readonly Rule[]>();
  return (traits) => {
    const shape = TRAITS.map((trait) => traits[trait]).join('\n');
    const known = shapes.get(shape);
    if (known !== undefined) return known;
    const near = [...anywhere, ...TRAITS.flatMap((trait) => filed.get(`${trait} ${traits[trait]}`) ?? [])];
    const found = near.filter((each) => each.selects(traits)).sort((one, other) => one.order - other.order).map((each) => each.rule);
    if (shapes.size >= MOST_SHAPES) shapes.clear();
    shapes.set(shape, found);
    return found;
  };
}

/** The words of which a rule needs one, from `on` and from what its condition compares at its top: without them it cannot match. */
function exactly({ on, when }: Rule): Partial<Record<Trait, readonly string[]>> {
  const found: Partial<Record<Trait, readonly string[]>> = {};
  for (const trait of TRAITS) {
    const selected = on[trait];
    const compared = when?.needs[trait === 'provider' ? 'target.provider' : `change.${trait}`];
    if (selected?.every((word) => !GLOB.test(word)) === true) found[trait] = selected;
    else if (compared !== undefined) found[trait] = compared;
  }
  return found;
}

function selectorOf({ on }: Rule, exact: Partial<Record<Trait, readonly string[]>>): (traits: Traits) => boolean {
  const checks = TRAITS.flatMap((trait) => {
    const words = on[trait];
    const needed = exact[trait];
    return [...(words === undefined ? [] : [{ trait, holds: compileGlobs(words) }]), ...(needed === undefined ? [] : [{ trait, holds: (word: string) => needed.includes(word) }])];
  });
  return (traits) => checks.every(({ trait, holds }) => holds(traits[trait]));
}

function push(filed: Map<string, Filed[]>, key: string, each: Filed): void {
  const list = filed.get(key) ?? [];
  list.push(each);
  filed.set(key, list);
}
