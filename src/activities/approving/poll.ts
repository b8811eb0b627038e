import { environmentOf, mustSign, type Config } from '../../config/config.js';
import { formatIncident } from '../../domain/address.js';
import { moved } from '../../domain/errors.js';
import type { DecisionInput } from '../../domain/deciding/decision.js';
import { NOBODY, principalOf } from '../../domain/approving/people.js';
import type { Plan } from '../../domain/plan.js';
import { startBy, tally, whyNoBreakGlass, type Poll } from '../../domain/approving/quorum.js';
import type { Target } from '../../domain/target.js';
import type { Ask, DecisionRow, VoteRow } from '../../ledger/ledger.js';
import { freshPoll } from '../../policy/approving.js';
import { decisionInputs } from '../../policy/inputs.js';
import { saidIn } from '../../trust/proof.js';
import type { Dependencies } from '../deps.js';
import { unproved } from './signed.js';

export interface Polling {
  readonly config: Config;
  readonly target: Target;
  readonly plan: Plan;
  readonly ask: Ask;
  /** What rules were just asked with about the changes of the plan, in its order. */
  readonly inputs?: readonly DecisionInput[];
}

/** Whose approval a plan needs under the present configuration, and whose it has on record. */
export async function pollOf(deps: Dependencies, polling: Polling): Promise<Poll> {
  return withVotes(deps, await neededBy(deps, polling), polling);
}

/** Whose approval a plan needs; no vote is counted in it yet. */
export async function neededBy(deps: Dependencies, { config, target, plan, ask, inputs: known }: Polling): Promise<Poll> {
  const baseline = ask.baseline ?? 'healthy';
  const inputs = known?.map((each) => ({ ...each, baseline })) ?? (await decisionInputs({ config, target, changes: plan.changes, at: deps.now().toISOString(), ledger: deps.ledger, baseline }));
  const approvals = environmentOf(config, target.environment)?.approvals;
  const poll = freshPoll({ approvals, people: config.people, inputs, plan, decide: deps.decide(config), causedBy: ask.causedBy, authors: ask.authors });
  return { ...poll, escalatedTo: await escalatedTo(deps, config, ask) };
}

/** With the votes on record; one that `isOwn` does not count. */
export async function withVotes({ ledger }: Dependencies, poll: Poll, { config, ask, isOwn = () => false }: Pick<Polling, 'config' | 'ask'> & { readonly isOwn?: (vote: VoteRow) => boolean }): Promise<Poll> {
  const votes = await ledger.votes(ask.id);
  const own = votes.find(isOwn);
  return { ...poll, votes: votes.filter((vote) => counts(config, vote) && vote.person !== own?.person).map((vote) => principalOf(poll.people, vote.by)) };
}

/** Whom the approval rules of an environment name, whatever their conditions say; `undefined` where it has none. */
export function namedPoll(config: Config, environment: string): Poll | undefined {
  const { rules = [], escalate = [] } = environmentOf(config, environment)?.approvals ?? {};
  if (rules.length === 0) return undefined;
  const requirements = rules.map(({ when: _, ...rule }, index) => ({ ...rule, because: `approvals.rules[${index}] of ${environment}` }));
  return { people: config.people ?? NOBODY, requirements, excluded: [], escalatedTo: escalate.map((step) => step.to), votes: [] };
}

/**
 * The write worker's own count, of what is on record and under its own configuration: the row that
 * says "approved" is not enough where several people are needed.
 */
export async function expectQuorum(deps: Dependencies, polling: Polling, decision: DecisionRow): Promise<void> {
  const problem = await whyNotEnough(deps, polling, decision);
  if (problem !== undefined) throw moved(`${formatIncident(decision)}: ${problem}; it is asked again`);
}

/** Why what is on record is not enough under the present configuration; `undefined` when it is. */
export async function whyNotEnough(deps: Dependencies, polling: Polling, decision: DecisionRow): Promise<string | undefined> {
  const poll = await pollOf(deps, polling);
  if (decision.breakGlass !== undefined) return whyNotBroken(poll, polling, decision);
  const last = principalOf(poll.people, decision.by);
  const { met, standing, needed } = tally({ ...poll, votes: [...poll.votes, ...(counts(polling.config, decision) ? [last] : [])] });
  return met ? undefined : `the approvals of plan ${polling.plan.hash.slice(0, 12)} on record are not enough (${standing}; still needed: ${needed})`;
}

/** Broken by somebody who may, in words of their own: an approval on record is not made more than it was. */
function whyNotBroken(poll: Poll, { config, plan }: Polling, decision: DecisionRow): string | undefined {
  const signed = decision.signed === undefined ? undefined : saidIn(decision.signed.statement);
  const meant = !mustSign(config, decision.environment) || signed?.['breakGlass'] === true;
  const latest = startBy(poll, decision.at);
  const problem = whyNoBreakGlass(poll, principalOf(poll.people, decision.by)) ?? (!meant ? `${decision.by} did not sign that the glass is broken` : undefined) ?? ((decision.breakGlass?.startBy ?? '') > latest ? 'it would hold longer than it may' : undefined);
  return problem === undefined ? undefined : `plan ${plan.hash.slice(0, 12)}: ${problem}`;
}

/** What is not proved counts no more once approvals must be signed, nor what was signed with a key that is gone. */
function counts(config: Config, vote: VoteRow | DecisionRow): boolean {
  return !mustSign(config, vote.environment) || unproved(config, vote, vote) === undefined;
}

/** Whom this question was escalated to, as far as the configuration still says so. */
async function escalatedTo(deps: Dependencies, config: Config, ask: Ask): Promise<readonly string[]> {
  const steps = environmentOf(config, ask.environment)?.approvals.escalate ?? [];
  if (steps.length === 0) return [];
  const told: string[] = [];
  for await (const { data } of deps.ledger.entries({ environment: ask.environment, target: ask.target, incident: ask.number, kinds: ['escalated'] })) {
    if (data['ask'] === ask.id && typeof data['to'] === 'string') told.push(data['to']);
  }
  return [...new Set(told)].filter((to) => steps.some((step) => step.to === to));
}
