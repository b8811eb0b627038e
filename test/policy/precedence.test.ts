import { describe, expect, it } from 'vitest';
import type { Decided, Decision } from '../../src/domain/deciding/decision.js';
import { decideUnder } from '../../src/policy/decide.js';
import type { GivenInput, Rule } from '../../src/policy/rule.js';
import { toldRisk } from '../../src/policy/telling.js';
import { decideGiven, inputOf } from '../../src/policy/testing.js';
import { rule } from './rules.js';

/** Fails when it is asked: the change holds no such member. */
const FAILS = 'change.desired.missing == 1';
/** Holds for the change of these tests. */
const HOLDS = 'change.path == "/port"';
/** Does not. */
const NOT = 'change.path == "/host"';

const AUTO: GivenInput = { environment: { name: 'dev', remediation: 'auto' }, change: { path: '/port', desired: { a: 1 } } };
const ASK: GivenInput = { ...AUTO, environment: { name: 'prod', remediation: 'ask' } };
const OBSERVE: GivenInput = { ...AUTO, environment: { name: 'prod', remediation: 'observe' } };
const PLANNED = { plan: { updates: 3, resources: 3 } };

function decided(rules: readonly Rule[], given: GivenInput = AUTO): Decided {
  return decideGiven(decideUnder(rules), inputOf(given));
}

const says = (decision: Decision, more: Parameters<typeof rule>[0] = {}): Rule => rule({ name: decision, decision, message: `${decision} it`, ...more });

interface Row {
  readonly reason: string;
  readonly rules: readonly Rule[];
  readonly given?: GivenInput;
  readonly expect: Decision;
  readonly by?: readonly string[];
}

const ROWS: readonly Row[] = [
  // Two rules that speak: deny beats allow, and what stays in sight beats what does not.
  { reason: 'hold beats ask: nobody is asked about what may not be done', rules: [says('hold'), says('ask')], expect: 'hold', by: ['hold'] },
  { reason: 'hold beats adopt', rules: [says('hold'), says('adopt')], expect: 'hold', by: ['hold'] },
  { reason: 'hold beats accept: it stays in sight', rules: [says('hold'), says('accept')], expect: 'hold', by: ['hold'] },
  { reason: 'hold beats remediate', rules: [says('hold'), says('remediate')], expect: 'hold', by: ['hold'] },
  { reason: 'ask beats adopt: a person decides where the value belongs', rules: [says('ask'), says('adopt')], expect: 'ask', by: ['ask'] },
  { reason: 'ask beats accept: noise must not hide what a rule wants to be seen', rules: [says('ask'), says('accept')], expect: 'ask', by: ['ask'] },
  { reason: 'ask beats remediate', rules: [says('ask'), says('remediate')], expect: 'ask', by: ['ask'] },
  { reason: 'adopt beats accept: a proposal is seen', rules: [says('adopt'), says('accept')], expect: 'adopt', by: ['adopt'] },
  { reason: 'adopt beats remediate: nothing live is written', rules: [says('adopt'), says('remediate')], expect: 'adopt', by: ['adopt'] },
  { reason: 'accept beats remediate: nothing is written', rules: [says('accept'), says('remediate')], expect: 'accept', by: ['accept'] },
  { reason: 'of all five the first of the order wins', rules: [says('remediate'), says('accept'), says('adopt'), says('ask'), says('hold')], expect: 'hold', by: ['hold'] },
  { reason: 'two that say the same are both named', rules: [says('ask', { name: 'one' }), says('ask', { name: 'two' })], expect: 'ask', by: ['one', 'two'] },

  // One rule against what the configuration says.
  { reason: 'no rule: a target on auto repairs', rules: [], expect: 'remediate', by: ['remediation: auto'] },
  { reason: 'no rule: a target on ask asks', rules: [], given: ASK, expect: 'ask', by: ['remediation: ask'] },
  { reason: 'no rule: a target on observe holds', rules: [], given: OBSERVE, expect: 'hold', by: ['remediation: observe'] },
  { reason: 'a rule that does not match leaves it to remediation', rules: [says('hold', { when: NOT })], expect: 'remediate', by: ['remediation: auto'] },
  { reason: 'ask by rule restricts auto', rules: [says('ask', { when: HOLDS })], expect: 'ask', by: ['ask'] },
  { reason: 'hold by rule restricts auto', rules: [says('hold')], expect: 'hold' },
  { reason: 'remediate by rule speaks where the target asks: a class of change that is trusted', rules: [says('remediate')], given: ASK, expect: 'remediate', by: ['remediate'] },
  { reason: 'accept by rule speaks where the target asks', rules: [says('accept')], given: ASK, expect: 'accept' },
  { reason: 'accept by rule speaks also where it is only observed: nothing is written', rules: [says('accept')], given: OBSERVE, expect: 'accept', by: ['accept'] },
  { reason: 'no rule writes where it is only observed', rules: [says('remediate')], given: OBSERVE, expect: 'hold', by: ['remediation: observe'] },
  { reason: 'nobody is asked where it is only observed', rules: [says('ask')], given: OBSERVE, expect: 'hold', by: ['remediation: observe'] },

  // Safeguards hold whatever rules say.
  { reason: 'a rule does not delete without a person', rules: [says('remediate')], given: { ...AUTO, change: { effect: 'delete' } }, expect: 'ask', by: ['never-automatic-deletes', 'remediate'] },
  { reason: 'a rule does not replace without a person', rules: [says('remediate')], given: { ...AUTO, change: { effect: 'replace' } }, expect: 'ask', by: ['never-automatic-deletes'] },
  { reason: 'nor by a plan that deletes what the change did not say', rules: [says('remediate')], given: { ...AUTO, plan: { deletes: 1 } }, expect: 'ask', by: ['never-automatic-deletes'] },
  { reason: 'nor by a plan that replaces', rules: [], given: { ...AUTO, plan: { replaces: 1 } }, expect: 'ask', by: ['never-automatic-deletes'] },
  { reason: 'a rule does not repair without a health check', rules: [says('remediate')], given: { ...AUTO, target: { health: false } }, expect: 'ask', by: ['health-required'] },
  { reason: 'a rule does not repair what was there at the first look', rules: [says('remediate')], given: { ...AUTO, history: { firstLook: true } }, expect: 'ask', by: ['first-seen'] },
  { reason: 'leaving a delete alone needs no safeguard', rules: [says('accept')], given: { ...AUTO, change: { effect: 'delete' } }, expect: 'accept' },

  // Rules that fail count as the most cautious answer.
  { reason: 'a failing rule that would repair asks', rules: [says('remediate', { when: FAILS })], expect: 'ask', by: ['remediate'] },
  { reason: 'a failing rule that would accept asks: what cannot be read is not noise', rules: [says('accept', { when: FAILS })], expect: 'ask', by: ['accept'] },
  { reason: 'a failing rule that would adopt asks', rules: [says('adopt', { when: FAILS })], expect: 'ask' },
  { reason: 'a failing rule that would ask asks', rules: [says('ask', { when: FAILS })], expect: 'ask' },
  { reason: 'a failing rule that would hold holds', rules: [says('hold', { when: FAILS })], expect: 'hold', by: ['hold'] },
  { reason: 'a failing rule that only raises the risk asks', rules: [rule({ risk: 'high', when: FAILS })], expect: 'ask' },
  { reason: 'a failing rule restricts one that matches', rules: [says('remediate'), says('accept', { when: FAILS })], expect: 'ask', by: ['accept'] },
  { reason: 'a rule that matches and restricts more beats a failing one', rules: [says('hold'), says('remediate', { when: FAILS })], expect: 'hold', by: ['hold'] },
  { reason: 'a failing rule of another type is never asked', rules: [says('remediate', { when: FAILS, on: { type: ['Deployment'] } })], expect: 'remediate', by: ['remediation: auto'] },

  // Shadow rules are never acted on.
  { reason: 'a shadow rule holds nothing back', rules: [says('hold', { shadow: true })], expect: 'remediate', by: ['remediation: auto'] },
  { reason: 'a shadow rule allows nothing', rules: [says('remediate', { shadow: true })], given: ASK, expect: 'ask', by: ['remediation: ask'] },
  { reason: 'a shadow rule that fails does nothing', rules: [says('remediate', { shadow: true, when: FAILS })], expect: 'remediate' },
  { reason: 'a shadow rule beside one that acts changes nothing of it', rules: [says('hold', { shadow: true }), says('accept')], expect: 'accept', by: ['accept'] },

  // Rules that read the plan.
  { reason: 'a rule that reads the plan restricts once there is one', rules: [says('ask', { when: 'plan.resources > 2' })], given: { ...AUTO, ...PLANNED }, expect: 'ask', by: ['ask'] },
  { reason: 'and says nothing before', rules: [says('ask', { when: 'plan.resources > 2' })], expect: 'remediate', by: ['remediation: auto'] },
  { reason: 'one that holds by the plan holds', rules: [says('hold', { when: 'plan.rollback == "forward-only"' })], given: { ...AUTO, plan: { rollback: 'forward-only' } }, expect: 'hold' },
  { reason: 'one that repairs by the plan speaks where the target asks', rules: [says('remediate', { when: 'plan.resources <= 3' })], given: { ...ASK, ...PLANNED }, expect: 'remediate', by: ['remediate'] },
  { reason: 'and not where the plan is larger', rules: [says('remediate', { when: 'plan.resources <= 2' })], given: { ...ASK, ...PLANNED }, expect: 'ask', by: ['remediation: ask'] },
  { reason: 'a plan rule does not lift what another rule asked before there was a plan', rules: [says('ask', { when: HOLDS }), says('remediate', { when: 'plan.resources < 9' })], given: { ...AUTO, ...PLANNED }, expect: 'ask', by: ['ask'] },
  { reason: 'a plan rule that cannot hold for this change is no reason to plan for it', rules: [says('remediate', { when: `${NOT} && plan.resources < 9` })], given: ASK, expect: 'ask', by: ['remediation: ask'] },

  // A date.
  { reason: 'an accepting rule holds before its date', rules: [says('accept', { until: '2026-02-01T00:00:00.000Z' })], expect: 'accept' },
  { reason: 'and no more from it on', rules: [says('accept', { until: '2026-01-05T12:00:00.000Z' })], expect: 'remediate', by: ['remediation: auto'] },
];

describe('precedence', () => {
  it.each(ROWS)('$reason', ({ rules, given, expect: decision, by }) => {
    const result = decided(rules, given);
    expect(result.decision).toBe(decision);
    const names = result.rules.map((name) => name.split(' (')[0]);
    if (by !== undefined) expect(names).toEqual(expect.arrayContaining([...by]));
    // Whatever order the rules stand in.
    expect(decided([...rules].reverse(), given).decision).toBe(decision);
  });

  it('raises the risk and never lowers it', () => {
    const base = decided([]).risk;
    expect(base).toBe('low');
    expect(decided([rule({ risk: 'critical' })])).toMatchObject({ decision: 'remediate', risk: 'critical', rules: ['remediation: auto', 'one (rules.yaml:one)'] });
    expect(decided([rule({ risk: 'low', decision: 'ask' }), rule({ name: 'two', risk: 'high' })])).toMatchObject({ decision: 'ask', risk: 'high', rules: ['one (rules.yaml:one)', 'two (rules.yaml:two)'] });
  });

  it('adds up who must approve, from every rule that asks and from none that does not', () => {
    const sre = { any: [{ group: 'sre', count: 2 }] };
    const leads = { all: [{ group: 'leads', count: 1 }] };
    const result = decided([says('ask', { name: 'one', requires: sre }), says('ask', { name: 'two', requires: leads }), says('remediate')]);
    expect(result.requires).toEqual([{ ...sre, because: 'rule one (rules.yaml:one)' }, { ...leads, because: 'rule two (rules.yaml:two)' }]);
    // A person may approve what is held: then no fewer than without the rule that holds it.
    expect(decided([says('ask', { requires: sre }), says('hold')])).toMatchObject({ decision: 'hold', requires: [sre] });
    expect(decided([says('ask', { requires: sre, when: FAILS })]).requires).toHaveLength(1);
  });

  it('says what the rules looked at, which lost, and what those on trial would have decided', () => {
    const result = decided([says('ask', { when: HOLDS }), says('remediate', { when: 'change.kind == "changed"' }), says('hold', { shadow: true, when: HOLDS })]);
    expect(result.inputs).toMatchObject({ looked: { 'change.path': '/port' }, lost: ['remediate (rules.yaml:remediate): remediate'] });
    expect(result.shadow).toEqual([{ rule: 'hold (rules.yaml:hold)', decision: 'hold', reason: 'hold it' }]);
  });

  it('keeps secret what is sensitive, also where a provider hands it in', () => {
    const input = inputOf(AUTO);
    const secret = { ...input, change: { ...input.change, sensitive: true, desired: 'hunter2', actual: 'hunter3' } };
    const result = decideUnder([says('ask', { when: 'change.actual == null && change.desired == null' })])(secret);
    expect(result).toMatchObject({ decision: 'ask', rules: ['ask (rules.yaml:ask)'] });
    expect(JSON.stringify(result)).not.toContain('hunter');
  });

  it('says which rule failed, and why', () => {
    expect(decided([says('remediate', { when: FAILS })]).reason).toBe('rule remediate failed on this change (No such key: missing), which counts as ask');
  });
});

describe('the risk as it is told', () => {
  it('says what it is by its parts, where a rule made it more', () => {
    expect(toldRisk([decided([rule({ name: 'raises', risk: 'critical' })])])).toMatch(/^[\d.]+ = configuration 6 × .*; low by its parts, raised by a rule$/);
    expect(toldRisk([decided([rule({ name: 'raises', risk: 'low' })])])).not.toMatch(/raised/);
    expect(toldRisk([decided([])])).not.toMatch(/raised/);
  });
});
