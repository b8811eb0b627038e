import type { Decided, Decision } from '../domain/deciding/decision.js';
import type { Rules, Spoken } from '../domain/deciding/decide.js';
import type { Json, JsonObject } from '../domain/json.js';
import { highestRisk } from '../domain/deciding/risk.js';
import type { Values } from './condition.js';
import { decisionOf, hear, type Heard, type Hearing, mostRestrictive, riskOfHeard, type RuleBook } from './speak.js';
import { ruleName } from './rule.js';

/** At most so many of the rules that lost, and characters of each value, go into the record. */
const MOST_LOST = 10;
const LONGEST_VALUE = 200;

/** What the rules of a book say of a change: the most restrictive of those that match wins, whatever their order. */
export function rulesOf(book: RuleBook): Rules {
  if (book.rules.length === 0) return () => undefined;
  return (input, assessed) => say(hear(book, input, assessed));
}

function say({ heard, values }: Hearing): Spoken | undefined {
  if (heard.length === 0) return undefined;
  const acting = heard.filter(({ rule }) => !rule.shadow);
  const decisions = acting.map((each) => ({ each, decision: decisionOf(each) }));
  const decision = mostRestrictive(decisions.flatMap((one) => one.decision ?? []));
  const winners = decisions.flatMap((one) => (decision !== undefined && one.decision === decision ? [one.each] : []));
  const raising = acting.filter((each) => riskOfHeard(each) !== undefined && !winners.includes(each));
  const risk = highestRisk(acting.flatMap((each) => riskOfHeard(each) ?? []));
  const named = [...winners, ...raising];
  // Also of those that lost to `hold`: a person may approve what is held, and then as many as are asked for.
  const requires = decisions.flatMap(({ each: { rule }, decision: own }) => (own === 'ask' && rule.requires !== undefined ? [{ ...rule.requires, because: `rule ${ruleName(rule)}` }] : []));
  const shadow = shadowsOf(heard, decision);
  const inputs = inputsOf(heard, { values, winners });
  return {
    risk,
    rules: named.map(({ rule }) => ruleName(rule)),
    reason: [...new Set(winners.map((each) => reasonOf(each, decision)))].join('; '),
    ...(decision === undefined ? {} : { decision }),
    ...(requires.length === 0 ? {} : { requires }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(shadow.length === 0 ? {} : { shadow }),
  };
}

function reasonOf({ rule, answer, reason = '' }: Heard, decision: Decision | undefined): string {
  if (answer === 'failed') return `rule ${rule.name} failed on this change (${reason}), which counts as ${decision ?? 'ask'}`;
  return rule.message ?? `rule ${rule.name} says ${decision ?? ''}`;
}

/** What a rule on trial would have made of it, in the company of the others. */
function shadowsOf(heard: readonly Heard[], acting: Decision | undefined): NonNullable<Decided['shadow']> {
  return heard.flatMap((each) => {
    const own = each.rule.shadow ? decisionOf(each) : undefined;
    if (own === undefined) return [];
    const decision = mostRestrictive([own, ...(acting === undefined ? [] : [acting])]) ?? own;
    return [{ rule: ruleName(each.rule), decision, reason: reasonOf(each, own) }];
  });
}

interface Looking {
  readonly values: Values;
  readonly winners: readonly Heard[];
}

/** What the rules that decided looked at, and which of the others lost, for the record. */
function inputsOf(heard: readonly Heard[], { values, winners }: Looking): JsonObject | undefined {
  const looked: Record<string, Json> = {};
  for (const { rule } of winners) {
    for (const name of rule.when?.reads ?? []) {
      const value = name in looked ? undefined : valueAt(values, name);
      if (value !== undefined) looked[name] = shortened(value);
    }
  }
  const lost: string[] = [];
  for (const each of heard) {
    const decision = lost.length >= MOST_LOST || each.rule.shadow || winners.includes(each) ? undefined : decisionOf(each);
    if (decision !== undefined) lost.push(`${ruleName(each.rule)}: ${decision}`);
  }
  const isEmpty = Object.keys(looked).length === 0;
  if (isEmpty && lost.length === 0) return undefined;
  return { ...(isEmpty ? {} : { looked }), ...(lost.length === 0 ? {} : { lost }) };
}

/** `change.path` of the values. */
export function valueAt(values: Values, name: string): Json | undefined {
  const [group = '', member] = name.split('.');
  const value = values[group];
  if (member === undefined) return typeof value === 'object' ? undefined : value;
  return typeof value === 'object' ? value[member] : undefined;
}

function shortened(value: Json): Json {
  if (typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length < LONGEST_VALUE)) return value;
  const text = JSON.stringify(value);
  return text.length <= LONGEST_VALUE ? value : `${text.slice(0, LONGEST_VALUE)}…`;
}
