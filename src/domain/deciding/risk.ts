import { classOf, type ChangeClass } from './class.js';
import type { DecisionInput, PlanFacts, Risk } from './decision.js';
import type { JsonObject } from '../json.js';

/** Lowest first. */
export const RISKS: readonly Risk[] = ['low', 'medium', 'high', 'critical'];

/** One factor of a risk: what it was taken for, and the number that it counts as. */
export interface RiskPart {
  readonly value: string;
  readonly factor: number;
}

/** `score` is the product of the four factors, rounded to a tenth. */
export interface RiskAssessment {
  readonly risk: Risk;
  readonly score: number;
  readonly class: RiskPart & { readonly value: ChangeClass };
  readonly blastRadius: RiskPart;
  readonly tier: RiskPart;
  readonly reversibility: RiskPart;
}

/** What a wrong repair of it costs, beside a field of a configuration (6). */
const CLASS_WEIGHT: Readonly<Record<ChangeClass, number>> = { exposure: 24, privilege: 23, identity: 18, data: 13, availability: 10, configuration: 6, content: 4, metadata: 2, noise: 0.5 };

/** What the words of `intent.tier` count as. Of another word, or none, nobody knows that it matters little. */
const TIERS: readonly { readonly factor: number; readonly words: readonly string[] }[] = [
  { factor: 2.25, words: ['critical', 'mission-critical', 'tier-0', 'platinum'] },
  { factor: 1.5, words: ['high', 'important', 'tier-1', 'gold'] },
  { factor: 1, words: ['standard', 'medium', 'normal', 'tier-2', 'silver'] },
  { factor: 0.72, words: ['low', 'minor', 'tier-3', 'bronze', 'experimental', 'sandbox'] },
];
export const TIER_WORDS: readonly string[] = TIERS.flatMap(({ words }) => words);
const UNKNOWN_TIER = 1.25;

/** Something is gone afterwards, or for a while. */
const EFFECT = { create: 1, update: 1, replace: 1.6, delete: 2 } as const;
/** How sure the way back is; as long as no plan says it, the surest is assumed, since a plan may only restrict. */
const ROLLBACK = { exact: 1, 'previous-revision': 1.2, 'forward-only': 2.1 } as const;
/** How much was tried before the switch. */
const STAGING = { shadow: 1, transaction: 1, canary: 1, 'saved-plan': 1.1, 'dry-run': 1.1 } as const;

/** Scores from which on a risk is called so. */
const LEVELS: readonly { readonly risk: Risk; readonly from: number }[] = [
  { risk: 'critical', from: 50 },
  { risk: 'high', from: 25 },
  { risk: 'medium', from: 10 },
];

/** How much is lost if the repair of this change is wrong: class × blast radius × tier × reversibility. */
export function riskOf({ target, change, plan }: Pick<DecisionInput, 'target' | 'change' | 'plan'>): RiskAssessment {
  const value = classOf(change, target.provider);
  const parts = { class: { value, factor: CLASS_WEIGHT[value] }, blastRadius: blastRadiusOf(plan), tier: tierOf(target.intent?.tier), reversibility: reversibilityOf(change.effect, plan) };
  const score = Math.round(parts.class.factor * parts.blastRadius.factor * parts.tier.factor * parts.reversibility.factor * 10) / 10;
  return { risk: levelOf(score), score, ...parts };
}

/** `high, 30: exposure 24 × 1 resource 1 × tier not said 1.25 × update, taken back exactly 1`. */
export function riskText({ risk, score, ...parts }: RiskAssessment): string {
  const told = [parts.class, parts.blastRadius, parts.tier, parts.reversibility].map(({ value, factor }) => `${value} ${factor}`);
  return `${risk}, ${score}: ${told.join(' × ')}`;
}

/** For `Decided.inputs`. */
export function riskInputs(assessed: RiskAssessment): JsonObject {
  const { class: of, blastRadius, tier, reversibility, score } = assessed;
  return { score, class: { ...of }, blastRadius: { ...blastRadius }, tier: { ...tier }, reversibility: { ...reversibility } };
}

export function highestRisk(risks: readonly Risk[]): Risk {
  return RISKS[Math.max(0, ...risks.map((risk) => RISKS.indexOf(risk)))] ?? 'low';
}

/** Grows with the doubling of what is touched: the second resource weighs more than the hundredth. */
function blastRadiusOf(plan: PlanFacts | undefined): RiskPart {
  const { create = 0, update = 0, replace = 0, delete: deleted = 0 } = plan?.blastRadius ?? {};
  const count = Math.max(1, plan?.resources ?? 1, create + update + replace + deleted);
  return { value: count === 1 ? '1 resource' : `${count} resources`, factor: Math.round((1 + Math.log2(count) / 4) * 100) / 100 };
}

function tierOf(tier: string | undefined): RiskPart {
  const word = tier?.trim().toLowerCase() ?? '';
  const known = TIERS.find(({ words }) => words.includes(word));
  if (known !== undefined) return { value: `tier ${word}`, factor: known.factor };
  return { value: word === '' ? 'tier not said' : `tier ${word.slice(0, 40)} (not known)`, factor: UNKNOWN_TIER };
}

function reversibilityOf(effect: keyof typeof EFFECT, plan: PlanFacts | undefined): RiskPart {
  if (plan === undefined) return { value: effect, factor: EFFECT[effect] };
  const told = { exact: 'taken back exactly', 'previous-revision': 'taken back to the revision before', 'forward-only': 'no way back' }[plan.rollback];
  const factor = EFFECT[effect] * ROLLBACK[plan.rollback] * STAGING[plan.staging];
  return { value: `${effect}, ${told}`, factor: Math.round(factor * 100) / 100 };
}

export function levelOf(score: number): Risk {
  return LEVELS.find(({ from }) => score >= from)?.risk ?? 'low';
}
