import type { Config } from '../config/config.js';
import type { Change } from '../domain/change.js';
import type { Exception } from '../domain/deciding/exception.js';
import { NOBODY, principalOf } from '../domain/approving/people.js';
import { isAsked, requiredText, type Requirement } from '../domain/approving/quorum.js';
import { deciderOf } from './decide.js';
import { decisionInputs, type Knowing } from './inputs.js';
import { rulesIn } from './rule.js';

export type Announcing = Omit<Knowing, 'config' | 'baseline'> & { readonly config: Pick<Config, 'environments' | 'policies' | 'people'> };

/** Why an exception does not hold for a change; `undefined` when it may. */
export type Objecting = (change: Change, exception: Exception) => string | undefined;

/**
 * Who announces a change decides about it before anybody has seen it: where a rule says who approves
 * such a change, only they may. `changes`: those that an announcement speaks of.
 */
export async function objectionsTo({ config, target, changes, at, ledger }: Announcing): Promise<Objecting> {
  const asks = rulesIn(config.policies ?? []).some((rule) => rule.requires !== undefined && !rule.shadow);
  if (!asks || changes.length === 0) return () => undefined;
  const decide = deciderOf(config);
  const inputs = await decisionInputs({ config, target, changes, at, ...(ledger === undefined ? {} : { ledger }) });
  const required = new Map(inputs.map((input): [Change, readonly Requirement[]] => [input.change, decide(input).requires ?? []]));
  const people = config.people ?? NOBODY;
  return (change, { source, by }) => {
    const requirements = required.get(change) ?? [];
    if (source !== 'announced' || requirements.length === 0) return undefined;
    const poll = { people, requirements, excluded: [], escalatedTo: [], votes: [] };
    const person = principalOf(people, by);
    if (isAsked(poll, person)) return undefined;
    return `${person} is not among those who decide about it: ${requiredText(poll)} (${[...new Set(requirements.map((each) => each.because))].join('; ')})`;
  };
}
