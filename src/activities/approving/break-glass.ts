import type { Config } from '../../config/config.js';
import { isJsonObject } from '../../domain/json.js';
import { principalOf } from '../../domain/approving/people.js';
import type { Plan } from '../../domain/plan.js';
import { startBy, whyNoBreakGlass } from '../../domain/approving/quorum.js';
import type { Target } from '../../domain/target.js';
import type { DecisionRow } from '../../ledger/ledger.js';
import type { Dependencies } from '../deps.js';
import { pollOf } from './poll.js';
import { signedOf, unprovedBreak } from './signed.js';

/** How the record names it: a word beside the approval, which stays what it was. */
export const BREAK_GLASS = 'break-glass';

interface Breaking {
  readonly config: Config;
  readonly target: Target;
  readonly plan: Plan;
  readonly decision: DecisionRow | undefined;
  /** ISO, UTC: when it begins, or began. */
  readonly at: string;
}

/**
 * Whether one person's word opens a closed window to a plan: with its approval, or after it was approved
 * or allowed by the rules. The latter is judged here and now: by one who may, of this question and plan,
 * signed where it must be, and in time. Where it does not hold, what was decided before does, and waits
 * for its gates.
 */
export async function brokenFor(deps: Dependencies, { config, target, plan, decision, at }: Breaking): Promise<DecisionRow['breakGlass']> {
  if (decision === undefined || (decision.decision !== 'approve' && decision.decision !== 'policy') || decision.breakGlass !== undefined) return decision?.breakGlass;
  const { environment, number } = decision;
  for await (const { by = '', at: said, data } of deps.ledger.entries({ environment, target: decision.target, incident: number, kinds: ['decided'] })) {
    if (data['decision'] !== BREAK_GLASS || data['ask'] !== decision.ask || data['plan'] !== plan.hash) continue;
    const ask = await deps.ledger.askOf(decision.ask);
    if (ask === undefined) return undefined;
    const poll = await pollOf(deps, { config, target, plan, ask });
    const claimed = isJsonObject(data['breakGlass']) ? data['breakGlass']['startBy'] : undefined;
    const latest = startBy(poll, said);
    const ends = typeof claimed === 'string' && claimed < latest ? claimed : latest;
    const signed = signedOf(data['signed']);
    const spoken = { environment, target: decision.target, number, by, at: said, ...(signed === undefined ? {} : { signed }) };
    if (at <= ends && whyNoBreakGlass(poll, principalOf(poll.people, by)) === undefined && unprovedBreak(config, spoken, { plan: plan.hash, ask: ask.id }) === undefined) return { startBy: ends };
  }
  return undefined;
}
