import type { IncidentId } from '../../domain/address.js';
import type { Phase } from '../../domain/phase.js';

export interface AdoptInput {
  readonly incident: IncidentId;
  readonly part: number;
  readonly plan?: string;
  readonly phase: Phase;
  /** Names the decision on record, and the run that judged it. */
  readonly id: string;
  readonly run: string;
  /** Counts the attempts of this part. */
  readonly round: number;
}

export type AdoptResult =
  /** `where`: the branch, `patch` or `folder`. `message` says what it waits for. */
  | { readonly result: 'made'; readonly where: string; readonly message: string; readonly lookNow?: true }
  | { readonly result: 'moved' | 'cleared'; readonly reason: string }
  /** It cannot be, and why; the part stays as it was. */
  | { readonly result: 'refused'; readonly reason: string };
