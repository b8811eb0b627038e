import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLASSES } from '../../src/domain/deciding/class.js';
import { indexRules, type Traits } from '../../src/policy/rule-index.js';
import type { Rule, Selectors } from '../../src/policy/rule.js';
import { RULES } from '../../src/policy/vocabulary.js';
import { compileGlobs } from '../../src/providers/glob.js';
import { rule } from './rules.js';

const TYPES = ['file', 'Deployment', 'aws_instance'];
const PATHS = ['', '/port', '/spec/replicas', '@mode'];
const some = <T,>(...words: readonly T[]): fc.Arbitrary<readonly T[] | undefined> => fc.option(fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 2 }), { nil: undefined });
const selectors: fc.Arbitrary<Selectors> = fc
  .record({ type: some(...TYPES, 'aws_*', '*'), path: some(...PATHS.slice(1), '/spec/*', '/**'), class: some(...CLASSES), kind: some('changed' as const, 'missing' as const), effect: some('update' as const, 'delete' as const), provider: some('files', 'kube*') })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, words]) => words !== undefined)));
const conditions = fc.constantFrom(
  undefined, 'change.path == "/port"', 'change.type in ["file", "Deployment"] && change.kind == "changed"', 'change.path == "/port" || change.path == "@mode"',
  'change.class == "exposure" && change.path == "/port"', 'target.provider == "files" && !(change.path == "/port")', '!(change.type == "file")', '"file" == change.type',
);
const traits: fc.Arbitrary<Traits> = fc.record({ type: fc.constantFrom(...TYPES), path: fc.constantFrom(...PATHS), class: fc.constantFrom(...CLASSES), kind: fc.constantFrom('changed' as const, 'missing' as const), effect: fc.constantFrom('update' as const, 'delete' as const), provider: fc.constantFrom('files', 'kubernetes') });

function selects({ on }: Rule, of: Traits): boolean {
  return (Object.entries(on) as readonly (readonly [keyof Traits, readonly string[]])[]).every(([trait, words]) => compileGlobs(words)(of[trait]));
}

function matches(each: Rule, of: Traits): boolean {
  const facts = RULES.facts({ change: { type: of.type, path: of.path, class: of.class, kind: of.kind, effect: of.effect }, target: { provider: of.provider } });
  return selects(each, of) && (each.when?.ask(facts) ?? true) === true;
}

describe('the index', () => {
  it('passes over no rule that matches, names none that its selectors refuse, and keeps their order', () => {
    fc.assert(fc.property(fc.array(fc.record({ on: selectors, when: conditions }), { maxLength: 12 }), fc.array(traits, { minLength: 1, maxLength: 6 }), (all, changes) => {
      const rules = all.map(({ on, when }, index) => rule({ name: `r${index}`, on, decision: 'ask', ...(when === undefined ? {} : { when }) }));
      const index = indexRules(rules);
      for (const of of [...changes, ...changes]) {
        const found = index(of);
        expect(rules.filter((each) => matches(each, of) && !found.includes(each))).toEqual([]);
        expect(found.filter((each) => !selects(each, of))).toEqual([]);
        expect([...found]).toEqual(rules.filter((each) => found.includes(each)));
      }
    }), { numRuns: 400 });
  });

  it('looks only at rules that have the words of a change', () => {
    const rules = [...Array.from({ length: 50 }, (_, index) => rule({ name: `p${index}`, when: `change.path == "/${index}" && risk == "low"` })), ...Array.from({ length: 50 }, (_, index) => rule({ name: `t${index}`, on: { type: [`t${index}`] } }))];
    const found = indexRules(rules)({ type: 't7', path: '/3', class: 'configuration', kind: 'changed', effect: 'update', provider: 'files' });
    expect(found.map((each) => each.name)).toEqual(['p3', 't7']);
  });
});
