import { environmentOf, type Config } from '../../config/config.js';
import type { DecideChange, DecisionInput } from '../../domain/deciding/decision.js';
import type { Plan } from '../../domain/plan.js';
import { toldOf, whoMay } from '../../domain/approving/quorum.js';
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
  const { freshPoll } = await import('../../policy/approving.js');
  const poll = freshPoll({ approvals: environmentOf(config, target.environment)?.approvals, people: config.people, inputs, plan, decide, authors });
  return toldOf(poll).requires ?? `1 person; ${whoMay(poll)}`;
}
