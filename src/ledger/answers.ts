import type { IncidentId } from '../domain/address.js';
import type { HealthVerdict } from '../domain/health.js';
import type { Signed } from '../domain/approving/signed.js';

export interface Ask extends IncidentId {
  /** Random; an approval consumes it once. */
  readonly id: string;
  readonly part: number;
  readonly plan: string;
  readonly at: string;
  /** `policy`: the rules allowed it and nobody was asked. */
  readonly kind: 'person' | 'policy';
  readonly rules: readonly string[];
  readonly expiresAt?: string;
  /** Who caused the changes, as the engine names them. */
  readonly causedBy?: readonly string[];
  /** Who last changed the desired state, as their commit names them; absent when nobody could tell. */
  readonly authors?: readonly string[];
  /** Health when it was asked, since rules may look at it. */
  readonly baseline?: HealthVerdict;
}

/** One person's approval, of several that are needed. */
export interface VoteRow extends IncidentId {
  readonly ask: string;
  readonly plan: string;
  /** As `principalOf` names them: one person, one vote. */
  readonly person: string;
  /** The name as it was given. */
  readonly by: string;
  readonly verified: boolean;
  /** As of a decision. */
  readonly key?: string;
  readonly signed?: Signed;
  readonly at: string;
  readonly reason?: string;
  readonly run: string;
  /** Digest of the message. */
  readonly message: string;
}

export interface DecisionRow extends IncidentId {
  readonly ask: string;
  readonly decision: 'approve' | 'reject' | 'accept' | 'policy';
  readonly plan: string;
  readonly by: string;
  /** As `principalOf` names them. */
  readonly person?: string;
  /** Who approved before, where several people were needed. */
  readonly with?: readonly string[];
  /** One word alone, through a closed window too; the repair must start by then (ISO, UTC). */
  readonly breakGlass?: { readonly startBy: string };
  /** False without a signature: the name is as given. */
  readonly verified: boolean;
  /** Fingerprint of the key that proved it, and what it signed. */
  readonly key?: string;
  readonly signed?: Signed;
  readonly at: string;
  readonly reason?: string;
  readonly until?: string;
  readonly ticket?: string;
  /** The run that consumed it: a reset run that replays it gets nothing. */
  readonly run: string;
  /** Digest of the message that decided. */
  readonly message: string;
}
