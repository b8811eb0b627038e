import type { IncidentId } from '../domain/address.js';
import type { ChildProcessIdentity } from '../providers/provider.js';

export interface NewIntent extends IncidentId {
  /** Step key and the write's name: unique. */
  readonly key: string;
  readonly step: string;
  readonly write: string;
  readonly resource?: string;
  readonly plan: string;
  readonly fence: number;
  readonly at: string;
}

export interface IntentRow extends NewIntent {
  readonly attempts: number;
  readonly child?: ChildProcessIdentity;
  readonly closedAt?: string;
  readonly ok?: boolean;
  readonly error?: string;
}
