import { fieldKey, type Change } from '../../domain/change.js';
import { REST_PHASES } from '../../domain/phase.js';
import { acceptedText } from '../../domain/deciding/exception.js';
import type { Revision, Target } from '../../domain/target.js';
import type { AssessedPart as Proposed } from '../../policy/assess.js';
import type { Concerns } from '../../policy/concerns.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import type { ReadContext } from '../../providers/provider.js';
import { adoptionOf, isBranchGone, wasTakenIn } from '../adopting/adopted.js';
import { askedNow } from './asked-now.js';
import type { Dependencies } from '../deps.js';
import { readablePlan } from '../repairing/guard.js';
import type { Assessment, AssessInput } from '../types.js';

type Standing = AssessInput['parts'][number];

export interface StandingParts {
  /** Parts that no longer stand, and what became of their changes. */
  readonly gone: Assessment['gone'];
  /** The changes that no part stands for. */
  readonly left: readonly Change[];
  /** Questions that stand, and of which other people are asked than was said. */
  readonly told: NonNullable<Assessment['told']>;
  /** By part that is asked again though its plan stands: why. */
  readonly otherwise: ReadonlyMap<number, string>;
}

export interface Look {
  readonly input: AssessInput;
  readonly row: IncidentRow | undefined;
  /** What concerns anybody now, and what does not any more. */
  readonly changes: readonly Change[];
  readonly quiet: Concerns['quiet'];
  readonly target: Target;
  readonly revision: Revision;
  readonly propose: (changes: readonly Change[]) => Promise<readonly Proposed[]>;
}

/**
 * Each part at rest is looked at alone: whatever else drifted, its plan and its approval stand while
 * its own changes are as they were and would be decided and repaired in the same way. A question
 * that another run has used up, as a reset does, can be answered no more and is asked again. What a
 * person adopted waits for whoever takes it in, whatever the configuration would decide meanwhile.
 */
export async function standingParts(deps: Dependencies, { input, row, changes, quiet, target, revision, propose }: Look, ctx: ReadContext): Promise<StandingParts> {
  const gone: Assessment['gone'][number][] = [];
  const told: NonNullable<Assessment['told']>[number][] = [];
  const otherwise = new Map<number, string>();
  let left = changes;
  for (const part of input.parts.filter((each) => REST_PHASES.includes(each.phase))) {
    const known = await knownChanges(deps, input, part);
    const own = left.filter((change) => known.some((each) => each.fingerprint === change.fingerprint && (each.revision === undefined || each.revision === change.revision)));
    const whole = own.length > 0 && own.length === known.length;
    const adoption = adoptionOf(row, part.part);
    if (whole && adoption?.branch !== undefined && (await isBranchGone(deps, target, adoption.branch, ctx))) gone.push({ part: part.part, event: 'moved', reason: `the branch ${adoption.branch} is gone and was not merged; decided again` });
    else if (whole && (await isUsedUp(deps, input, part))) gone.push({ part: part.part, event: 'moved', reason: 'its question was used by another run; asked again' });
    else if (whole && adoption !== undefined && part.phase !== 'waiting') left = left.filter((change) => !own.includes(change));
    else if (whole && stands(part, await propose(own))) {
      const asked = await askedNow(deps, { target, row, part });
      if (asked.otherwise === undefined) left = left.filter((change) => !own.includes(change));
      else {
        otherwise.set(part.part, asked.otherwise);
        gone.push({ part: part.part, event: 'moved', reason: `${asked.otherwise}; it is asked again` });
      }
      if (asked.told !== undefined) told.push({ part: part.part, ...asked.told });
    } else {
      const went = whole ? decidedElsewise(part) : howItWent(part, known, { left, quiet });
      const takenIn = went.event === 'cleared' && adoption !== undefined && (await wasTakenIn(deps, { target, revision, adoption, fingerprints: known.map((each) => each.fingerprint) }, ctx));
      gone.push(takenIn ? { part: part.part, event: 'adopted', reason: `${adoption.by} adopted it, and the desired state says so now` } : went);
    }
  }
  return { gone, left, told, otherwise };
}

export interface Known {
  readonly fingerprint: string;
  readonly revision?: string;
  readonly field?: string;
}

/** What the part is about: its plan's changes, or, where there is no repair, those that its row names. */
export async function knownChanges(deps: Dependencies, { incident }: Pick<AssessInput, 'incident'>, part: Pick<Standing, 'part' | 'plan'>): Promise<readonly Known[]> {
  const plan = part.plan === undefined ? undefined : await readablePlan(deps, part.plan);
  if (plan !== undefined) return plan.changes.map((change) => ({ fingerprint: change.fingerprint, revision: change.revision, field: fieldKey(change) }));
  const row = await deps.ledger.incident(incident, incident.number);
  const fingerprints = row?.parts.find((each) => each['part'] === part.part)?.['fingerprints'];
  return Array.isArray(fingerprints) ? fingerprints.flatMap((each) => (typeof each === 'string' ? [{ fingerprint: each }] : [])) : [];
}

function stands(part: Standing, proposed: readonly Proposed[]): boolean {
  const [again, second] = proposed;
  if (again === undefined || second !== undefined || again.plan?.hash !== part.plan) return false;
  // Approved is approved, also when the rules would now allow it by themselves.
  return again.decision === part.decision || (part.phase === 'waiting' && part.decision === 'ask' && again.decision === 'remediate');
}

async function isUsedUp(deps: Dependencies, { run }: AssessInput, part: Standing): Promise<boolean> {
  if (part.ask === undefined || part.phase === 'waiting') return false;
  const decision = await deps.ledger.decisionOf(part.ask);
  return decision !== undefined && decision.run !== run;
}

function decidedElsewise({ part }: Standing): Assessment['gone'][number] {
  return { part, event: 'moved', reason: 'its changes are as they were, and are decided or repaired in another way now; decided again' };
}

function howItWent(part: Standing, known: readonly Known[], { left, quiet }: Pick<Look, 'quiet'> & { readonly left: readonly Change[] }): Assessment['gone'][number] {
  const fields = new Set(known.map((each) => each.field));
  const same = left.filter((change) => known.some((each) => each.fingerprint === change.fingerprint)).length;
  if (same === 0 && !left.some((change) => fields.has(fieldKey(change)))) return { part: part.part, event: 'cleared', reason: whyCleared(known, quiet) };
  return { part: part.part, event: 'moved', reason: `its changes moved: ${same} of ${known.length} are as they were; decided again` };
}

function whyCleared(known: readonly Known[], quiet: Concerns['quiet']): string {
  const own = quiet.filter(({ change }) => known.some((each) => each.fingerprint === change.fingerprint));
  const accepted = own.find(({ exception }) => exception !== undefined)?.exception;
  if (accepted !== undefined) return `its changes are ${acceptedText(accepted)}`;
  const decided = own.find((each) => each.decided !== undefined)?.decided;
  return decided === undefined ? 'its changes are gone' : `its changes are left alone by rule ${decided.rules.join(', ')}: ${decided.reason}`;
}
