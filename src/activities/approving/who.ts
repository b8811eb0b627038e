import type { Config } from '../../config/config.js';
import type { Who } from '../../domain/approving/judge.js';
import type { DecisionMessage } from '../../domain/message.js';
import { NOBODY, principalOf } from '../../domain/approving/people.js';
import { proveDecision, type ProvedDecision } from './signed.js';
import type { JudgeBatch } from '../types.js';

export interface Deciding {
  readonly batch: JudgeBatch;
  readonly message: DecisionMessage;
  /** The server's event time (ISO, UTC). */
  readonly at: string;
  readonly config: Config;
}

/** Which person sent a decision, under whichever of their names, and whether their signature proves it. */
export function whoDecides({ batch, message, at, config }: Deciding): Who & { readonly proved?: ProvedDecision } {
  const person = principalOf(config.people ?? NOBODY, message.by);
  const proof = proveDecision(config, batch, { message, at });
  if (proof === undefined) return { person, verified: false };
  if (!proof.ok) return { person, verified: false, problem: proof.problem };
  return { person, verified: true, part: proof.part, proved: proof };
}
