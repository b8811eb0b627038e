import type { Decided } from '../../domain/deciding/decision.js';
import { isJsonObject, type Json } from '../../domain/json.js';
import type { Explained, Explanation } from '../../policy/explain.js';
import { plain } from './escape.js';
import { paintWord, type Style } from './style.js';

/** A change, what was decided, and what every rule made of it. */
export interface ExplainedChange extends Explanation {
  readonly resource: string;
  readonly path: string;
  readonly kind: string;
  readonly effect: string;
  /** Absent where nothing is decided: it concerns nobody now. */
  readonly decided?: Decided;
  /** Why it concerns nobody. */
  readonly quiet?: string;
}

const LONGEST = 120;
const ORDER: readonly Explained['result'][] = ['won', 'failed', 'lost', 'raised', 'shadow', 'waiting', 'no'];

const MEANING: Readonly<Record<Explained['result'], string>> = {
  won: 'decides', lost: 'matches, and loses to a rule that restricts more', raised: 'raises the risk', failed: 'failed', waiting: 'reads a plan that is not there', shadow: 'on trial, never acted on', no: 'does not hold',
};

export function explainedLines(change: ExplainedChange, style: Style): readonly string[] {
  const { decided, quiet, rules, others } = change;
  const sorted = [...rules].sort((one, other) => ORDER.indexOf(one.result) - ORDER.indexOf(other.result));
  return [
    `${style.bold(placeOf(change))}  ${plain(change.kind)}, to ${plain(change.effect)}`,
    ...(decided === undefined ? [] : decisionLines(decided, style)),
    ...(quiet === undefined ? [] : [`  left alone: ${plain(quiet)}`]),
    ...sorted.flatMap((rule) => ruleLines(rule, style)),
    ...(others === 0 ? [] : [`  ${style.dim(`${others} more ${others === 1 ? 'rule is' : 'rules are'} about other changes`)}`]),
  ];
}

/** A change as the record has it. */
export function recordedLines({ at, ...change }: { readonly at: string; readonly resource: string; readonly path: string; readonly was: Decided }, style: Style): readonly string[] {
  const { inputs = {}, shadow = [] } = change.was;
  const looked = inputs['looked'];
  const lost = inputs['lost'];
  return [
    `${style.bold(placeOf(change))}  decided ${at}`,
    ...decisionLines(change.was, style),
    ...(isJsonObject(looked) ? [`  saw:      ${sawText(looked as Readonly<Record<string, Json>>)}`] : []),
    ...(Array.isArray(lost) ? lost.map((each) => `  lost:     ${plain(String(each))}`) : []),
    ...shadow.map((each) => `  on trial: ${plain(each.rule)} would say ${each.decision}: ${plain(each.reason)}`),
  ];
}

function decisionLines({ decision, risk, rules, reason, would, requires = [] }: Decided, style: Style): readonly string[] {
  return [
    `  decision: ${paintWord(decision, style)}, risk ${paintWord(risk, style)}: ${plain(reason)}`,
    `  by:       ${plain(rules.join(', '))}`,
    ...(would === undefined ? [] : [`  would be: ${would.decision}, by ${plain(would.rules.join(', '))}: ${plain(would.reason)}`]),
    ...requires.map((each) => `  needs:    ${votersText(each)} (${plain(each.because)})`),
  ];
}

/** `1 of sre or 2 of leads`. */
function votersText({ any = [], all }: NonNullable<Explained['requires']>): string {
  return (all ?? any).map(({ group, count }) => `${count} of ${plain(group)}`).join(all === undefined ? ' or ' : ' and ');
}

function ruleLines({ rule, at, result, decision, risk, requires, when, saw, ended, reason }: Explained, style: Style): readonly string[] {
  const says = [decision, risk === undefined ? undefined : `risk ${risk}`, requires === undefined ? undefined : votersText(requires)].filter((each) => each !== undefined).join(', ');
  const head = `  ${result.padEnd(8)}  ${plain(rule)} (${plain(at)}): ${says}; ${ended === undefined ? MEANING[result] : `has ended: its until, ${plain(ended)}, has passed`}${reason === undefined ? '' : `: ${plain(reason)}`}`;
  const lines = [head, ...(when === undefined ? [] : [`            when ${plain(when.replace(/\s+/g, ' '))}`, `            saw  ${sawText(saw)}`])];
  return result === 'no' ? lines.map((line) => style.dim(line)) : lines;
}

function sawText(saw: Readonly<Record<string, Json>>): string {
  return Object.entries(saw).map(([name, value]) => `${name} = ${plain(short(JSON.stringify(value)))}`).join(', ') || 'nothing';
}

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function placeOf({ resource, path }: { readonly resource: string; readonly path: string }): string {
  return plain(path === '' ? resource : `${resource} ${path}`);
}
