import type { Config } from '../../config/config.js';
import type { DecideChange, DecisionInput } from '../../domain/decision.js';
import { NOBODY } from '../../domain/people.js';
import type { Plan } from '../../domain/plan.js';
import { toldOf, whoMay, type Poll } from '../../domain/quorum.js';
import type { Target } from '../../domain/target.js';

export interface Asking {
  readonly config: Config;
  readonly target: Target;
  readonly plan: Plan;
  /** What rules may know of the part's changes. */
  readonly inputs: readonly DecisionInput[];
  readonly decide: DecideChange;
  /** Who last changed the desired state; absent when nobody can tell. */
  readonly authors?: readonly string[];
}

/** Who would have to approve a part if it were asked about now, why, and who may. */
export async function approversOf({ config, target, plan, inputs, decide, authors }: Asking): Promise<string> {
  const { excludedFrom, requirementsOf } = await import('../../policy/approving.js');
  const { factsOf } = await import('../../policy/assess.js');
  const people = config.people ?? NOBODY;
  const approvals = config.environments.find((each) => each.name === target.environment)?.approvals;
  const rules = approvals?.rules;
  const glass = approvals?.breakGlass;
  const poll: Poll = {
    people,
    requirements: requirementsOf({ ...(rules === undefined ? {} : { rules }), inputs, plan: factsOf(plan, plan.changes), decide, trust: approvals?.trust ?? 'namespace' }),
    excluded: excludedFrom({ people, causedBy: plan.changes.flatMap((change) => change.by ?? []), authors: authors ?? [] }),
    escalatedTo: [],
    votes: [],
    ...(authors === undefined ? { authorUnknown: true as const } : {}),
    ...(glass === undefined || (approvals?.trust !== 'signed' && !glass.unverified) ? {} : { breakGlass: { group: glass.group, expiresMs: glass.expiresMs } }),
  };
  return toldOf(poll).requires ?? `1 person; ${whoMay(poll)}`;
}
