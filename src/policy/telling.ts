import type { Decided, Decision } from '../domain/deciding/decision.js';
import { isJsonObject, type JsonObject } from '../domain/json.js';
import { levelOf, RISKS } from '../domain/deciding/risk.js';

/** How many changes of each class, `{ exposure: 2 }`. */
export function classesOf(decided: readonly Decided[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const each of decided) {
    const of = partOf(each, 'class')?.['value'];
    if (typeof of === 'string') counts[of] = (counts[of] ?? 0) + 1;
  }
  return counts;
}

/**
 * The risk of the riskiest change with its parts: `30 = exposure 24 × 1 resource 1 × tier not said 1.25 × update 1`,
 * and what it would be by these alone, where a rule made it more.
 */
export function toldRisk(decided: readonly Decided[]): string | undefined {
  const [worst] = [...decided].sort((a, b) => RISKS.indexOf(b.risk) - RISKS.indexOf(a.risk) || scoreOf(b) - scoreOf(a));
  if (worst === undefined || scoreOf(worst) === 0) return undefined;
  const told = (['class', 'blastRadius', 'tier', 'reversibility'] as const).flatMap((name) => {
    const part = partOf(worst, name);
    return typeof part?.['value'] === 'string' && typeof part['factor'] === 'number' ? [`${part['value']} ${part['factor']}`] : [];
  });
  const level = levelOf(scoreOf(worst));
  const raised = RISKS.indexOf(worst.risk) > RISKS.indexOf(level) ? `; ${level} by its parts, raised by a rule` : '';
  return `${scoreOf(worst)} = ${told.join(' × ')}${raised}`;
}

/** `configuration 3, metadata 1`. */
export function classesText(decided: readonly Decided[]): string {
  return Object.entries(classesOf(decided)).map(([of, count]) => `${of} ${count}`).join(', ');
}

/** What rules that are only tried would have decided: `rule (file:line) would say hold of 3 changes: why`. */
export function trialsOf(decided: readonly Decided[]): readonly string[] {
  const counts = new Map<string, { readonly says: string; readonly reason: string; number: number }>();
  for (const { rule, decision, reason } of decided.flatMap((each) => each.shadow ?? [])) {
    const says = `${rule} would say ${decision}`;
    const known = counts.get(says) ?? { says, reason, number: 0 };
    known.number += 1;
    counts.set(says, known);
  }
  return [...counts.values()].map(({ says, reason, number }) => `${says} of ${number} ${number === 1 ? 'change' : 'changes'}: ${reason}`);
}

const WOULD: Readonly<Record<Decision, string>> = {
  remediate: 'be repaired without a person', ask: 'be asked about', accept: 'be left alone as accepted', adopt: 'become the desired state', hold: 'be held',
};

/** What would be done about what is only observed. */
export function wouldText(would: string): string {
  return (WOULD as Readonly<Record<string, string | undefined>>)[would] ?? would;
}

/** `hold (would remediate)`: what is only observed is told by what would be done. */
export function decisionText({ decision, would }: { readonly decision: Decision; readonly would?: Decision }): string {
  return would === undefined ? decision : `${decision} (would ${would})`;
}

function scoreOf({ inputs }: Decided): number {
  const risk = inputs?.['risk'];
  return isJsonObject(risk) && typeof risk['score'] === 'number' ? risk['score'] : 0;
}

function partOf({ inputs }: Decided, name: string): JsonObject | undefined {
  const risk = inputs?.['risk'];
  const part = isJsonObject(risk) ? risk[name] : undefined;
  return isJsonObject(part) ? part : undefined;
}
