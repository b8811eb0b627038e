import { formatIncident } from '../../domain/address.js';
import { changesInBrief, planMarkdown } from '../../domain/describe.js';
import { fieldKey, type Change } from '../../domain/change.js';
import type { DecisionInput } from '../../domain/deciding/decision.js';
import { gatesText } from '../../domain/gates/gate.js';
import type { HealthVerdict } from '../../domain/health.js';
import type { Plan } from '../../domain/plan.js';
import { toldOf, type Poll } from '../../domain/approving/quorum.js';
import { whatChanged } from '../../domain/deciding/since.js';
import type { Target } from '../../domain/target.js';
import type { Environment } from '../../config/config.js';
import { hashJson } from '../../digest.js';
import type { AssessedPart as Proposed } from '../../policy/assess.js';
import { showApproval, signingMarkdown } from '../../trust/showing.js';
import { decidedInRow, recordAssessed } from './assessed.js';
import { needsOf } from './asked-now.js';
import { causesOf } from './causes.js';
import { providerOf, type Dependencies } from '../deps.js';
import { readablePlan } from '../repairing/guard.js';
import { pollOf } from '../approving/poll.js';
import { partNotice, tellToAdopt } from '../telling.js';
import type { StandingParts } from './standing.js';
import type { AssessedPart, AssessInput } from '../types.js';

/** A question that stands no more, with whoever had approved it. */
export interface LapsedPart {
  readonly plan: Plan;
  readonly approvedBy: readonly string[];
  /** Why it is asked again, where its plan stands. */
  readonly otherwise?: string;
}

export interface Opening {
  readonly input: AssessInput;
  readonly target: Target;
  readonly environment: Environment;
  readonly at: string;
  readonly number: number;
  readonly baseline?: HealthVerdict;
  readonly inputs: readonly DecisionInput[];
  /** Questions that lapse with this look. */
  readonly before: readonly LapsedPart[];
  /** Who last changed the desired state; absent when nobody can tell. */
  readonly authors?: readonly string[];
  /** All that drifts. */
  readonly everything: readonly Change[];
}

/** The questions whose changes moved, for those that are asked in their place. */
export async function lapsedParts({ ledger, ...deps }: Dependencies, { parts }: AssessInput, { gone, otherwise: reasons }: Pick<StandingParts, 'gone' | 'otherwise'>): Promise<readonly LapsedPart[]> {
  const moved = parts.filter((part) => gone.some((each) => each.part === part.part && each.event === 'moved'));
  const lapsed = await Promise.all(moved.map(async ({ part, plan: hash, ask }): Promise<readonly LapsedPart[]> => {
    const plan = hash === undefined ? undefined : await readablePlan({ ledger, ...deps }, hash);
    if (plan === undefined || ask === undefined) return [];
    const [votes, decision] = await Promise.all([ledger.votes(ask), ledger.decisionOf(ask)]);
    const otherwise = reasons.get(part);
    return [{ plan, ...(otherwise === undefined ? {} : { otherwise }), approvedBy: [...votes.map((vote) => vote.by), ...(decision?.decision === 'approve' ? [decision.by] : [])] }];
  }));
  return lapsed.flat();
}

/** What changed since an earlier question about some of the same, and whose approval of it holds no more. */
function sinceText(changes: readonly Change[], { before, everything }: Opening): string | undefined {
  const isAbout = ({ plan }: LapsedPart): boolean => before.length === 1 || plan.changes.some((earlier) => changes.some((change) => fieldKey(change) === fieldKey(earlier)));
  const earlier = before.filter(isAbout);
  if (earlier.length === 0) return undefined;
  const different = whatChanged(earlier.flatMap(({ plan }) => plan.changes), changes, everything);
  const lapsed = [...new Set(earlier.flatMap(({ approvedBy }) => approvedBy))];
  const same = earlier.flatMap((each) => each.otherwise ?? [])[0] ?? 'the same changes, decided or repaired in another way';
  return [different === '' ? same : different, ...(lapsed.length === 0 ? [] : [`the approval of ${lapsed.join(', ')} was for what it was before, and holds no more`])].join('; ');
}

/** Stores the plan and opens its question: for a person, or, where the rules allow it, answered by policy at once. */
export async function openPart(deps: Dependencies, opening: Opening, proposed: Proposed): Promise<AssessedPart> {
  const { input, target, environment, at, number } = opening;
  const { plan, gate, decision, risk, rules, reason, changes, impossible } = proposed;
  const adoptable = providerOf(deps, target).adopt !== undefined;
  const { expiresMs, remindMs, escalate } = environment.approvals;
  const expiresAt = gate.allowed ? new Date(Date.parse(at) + expiresMs).toISOString() : undefined;
  await recordAssessed(deps, input, { part: number, at, proposed, inputs: opening.inputs });
  const causedBy = [...new Set(changes.flatMap((change) => change.by ?? []))];
  const ask = plan === undefined ? undefined : hashJson({ run: input.run, ordinal: input.ordinal, plan: plan.hash }).slice(0, 32);
  if (plan !== undefined && ask !== undefined) {
    await deps.ledger.putPlan(plan, at);
    await deps.ledger.ask({
      ...input.incident, id: ask, part: number, plan: plan.hash, at, kind: decision === 'remediate' ? 'policy' : 'person', rules,
      ...(expiresAt === undefined ? {} : { expiresAt }), ...(causedBy.length === 0 ? {} : { causedBy }), ...(opening.baseline === undefined ? {} : { baseline: opening.baseline }), ...(opening.authors === undefined ? {} : { authors: opening.authors }),
    });
    if (decision === 'remediate') {
      const message = hashJson({ ask, policy: [...rules] });
      await deps.ledger.decide({ ...input.incident, ask, decision: 'policy', plan: plan.hash, by: 'policy', verified: true, at, reason, run: input.run, message });
    }
  }
  const since = decision === 'remediate' ? undefined : sinceText(changes, opening);
  const poll = plan === undefined || ask === undefined || decision === 'remediate' ? undefined : await pollAbout(deps, { target, plan, ask, inputs: opening.inputs });
  const needs = poll === undefined ? {} : { needs: needsOf(poll, environment.approvals.trust) };
  const told = { ...(poll === undefined ? {} : toldOf(poll)), ...(since === undefined ? {} : { since }) };
  const waits = plan === undefined || gate.allowed || (decision !== 'ask' && decision !== 'remediate') ? {} : { waits: gatesText(gate) };
  const about = plan === undefined || ask === undefined || environment.approvals.trust !== 'signed' ? undefined : { project: (await deps.config()).project, incident: input.incident, question: { plan: plan.hash, ask } };
  if (plan !== undefined && decision === 'ask') await deps.tell(partNotice({ incident: input.incident, target, plan, risk, reason, at, ...told, ...waits, ...(about === undefined ? {} : { signing: showApproval(about) }), ...(expiresAt === undefined ? {} : { expiresAt }) }, 'approval-needed'), `ask-${ask ?? ''}`);
  if (decision === 'adopt' && adoptable) await tellToAdopt(deps, target, { incident: input.incident, part: number, changes, reason, at, ...(plan === undefined ? {} : { plan: plan.hash }) });
  const phase = decision === 'remediate' ? 'waiting' : decision === 'ask' ? 'awaiting-approval' : 'observed';
  await deps.ledger.updateIncident(input.incident, { part: { part: number, phase, decision, risk, ...(plan === undefined ? {} : { plan: plan.hash }), ...(ask === undefined ? {} : { ask }), fingerprints: changes.map((change) => change.fingerprint), brief: changesInBrief(changes), ...causesOf(changes, opening), ...told, ...needs, ...decidedInRow(proposed) } });
  return {
    part: number,
    decision,
    risk,
    reason,
    rules,
    changes: changes.length,
    expiresMs,
    remindMs,
    ...(escalate === undefined || decision !== 'ask' ? {} : { escalate }),
    gate,
    causedBy,
    ...told,
    soakMs: target.soakMs,
    details: plan === undefined ? '' : planMarkdown(plan),
    ...(adoptable ? { adoptable } : {}),
    ...(plan === undefined ? {} : { plan: plan.hash, staging: plan.staging, rollback: plan.rollback }),
    ...(impossible === undefined ? {} : { impossible }),
    ...(ask === undefined ? {} : { ask }),
    ...(about === undefined || decision === 'remediate' ? {} : { signing: signingMarkdown(about, formatIncident(input.incident)) }),
    ...(expiresAt === undefined || decision !== 'ask' ? {} : { expiresAt }),
  };
}

async function pollAbout(deps: Dependencies, { target, plan, ask: id, inputs }: Pick<Opening, 'target' | 'inputs'> & { readonly plan: Plan; readonly ask: string }): Promise<Poll | undefined> {
  const ask = await deps.ledger.askOf(id);
  const known = new Map(inputs.map((each) => [each.change, each]));
  return ask === undefined ? undefined : pollOf(deps, { config: await deps.config(), target, plan, ask, inputs: plan.changes.flatMap((change) => known.get(change) ?? []) });
}

