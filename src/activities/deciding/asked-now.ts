import { trustOf } from '../../config/config.js';
import { hashJson } from '../../digest.js';
import type { Json } from '../../domain/json.js';
import { askedFor, requiredText, toldOf, type Poll } from '../../domain/approving/quorum.js';
import type { Target } from '../../domain/target.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { configured, type Dependencies } from '../deps.js';
import { readablePlan } from '../repairing/guard.js';
import { pollOf, whyNotEnough } from '../approving/poll.js';
import type { Assessment, AssessInput } from '../types.js';

type Told = NonNullable<Assessment['told']>[number];

export interface AskedNow {
  /** Why a question whose plan stands is asked again all the same. */
  readonly otherwise?: string;
  /** It stands, and other people are asked than was said. */
  readonly told?: Omit<Told, 'part'>;
}

interface Standing {
  readonly target: Target;
  readonly row: IncidentRow | undefined;
  readonly part: AssessInput['parts'][number];
}

/**
 * Whose approval a standing part needs as the configuration is now. Where that is something else than
 * when it was asked, it is asked again, and so is what was approved by too few for it: the write worker
 * would find that only once the gates are open.
 */
export async function askedNow(deps: Dependencies, { target, row, part }: Standing): Promise<AskedNow> {
  const ask = part.ask === undefined ? undefined : await deps.ledger.askOf(part.ask);
  const plan = part.plan === undefined ? undefined : await readablePlan(deps, part.plan);
  if (ask?.kind !== 'person' || plan === undefined) return {};
  const { config } = await configured(deps, target);
  const polling = { config, target, plan, ask };
  const decision = await deps.ledger.decisionOf(ask.id);
  if (decision?.decision === 'approve') {
    const otherwise = await whyNotEnough(deps, polling, decision);
    return otherwise === undefined ? {} : { otherwise };
  }
  if (decision !== undefined) return {};
  const known = row?.parts.find((each) => each['part'] === part.part);
  const poll = await pollOf(deps, polling);
  const needs = needsOf(poll, trustOf(config, target.environment));
  if (known?.['needs'] !== undefined && known['needs'] !== needs) return { otherwise: `who must approve it is different now: ${requiredText(poll)}` };
  const told = toldOf(poll);
  if (told.requires === undefined || told.requires === known?.['requires']) return {};
  await deps.ledger.updateIncident(ask, { part: { part: part.part, phase: part.phase, ...told } });
  return { told };
}

/** Digest of what is asked for, and of how it must be proved. */
export function needsOf(poll: Pick<Poll, 'requirements'>, trust: string): string {
  return hashJson({ trust, asked: askedFor(poll) as unknown as Json }).slice(0, 16);
}
