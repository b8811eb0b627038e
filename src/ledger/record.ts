import type { JsonObject } from '../domain/json.js';

export type EntryKind =
  | 'drift' | 'unknown' | 'opened' | 'decided' | 'asked' | 'approved' | 'rejected' | 'accepted' | 'refused' | 'expired' | 'gate'
  | 'intent' | 'outcome' | 'staged' | 'validated' | 'finalized' | 'rolled-back' | 'closed' | 'message' | 'configuration' | 'pruned'
  /** What was decided for each change of a part, with what was looked at; by Holdfast, before anybody is asked. */
  | 'assessed'
  /** A look that found no drift and differs from the one before; changes settled or forgotten outside an incident's end. */
  | 'clean' | 'settled'
  /** An approval of several that are needed; others may approve too from now on. */
  | 'voted' | 'escalated'
  /** A change was written into the source of the desired state, as a branch, a patch or the folder itself. */
  | 'adopted';

export interface NewEntry {
  readonly at: string;
  readonly kind: EntryKind;
  readonly environment?: string;
  readonly target?: string;
  readonly incident?: number;
  /** Who did it: a name as given, a workflow run, or `holdfast`. */
  readonly by?: string;
  readonly data: JsonObject;
}

export interface Entry extends NewEntry {
  readonly seq: number;
  readonly previous: string;
  readonly hash: string;
}

export interface EntryFilter {
  readonly after?: number;
  readonly environment?: string;
  readonly target?: string;
  readonly incident?: number;
  readonly kinds?: readonly EntryKind[];
  readonly since?: string;
  readonly limit?: number;
}

export type Verification =
  | { readonly ok: true; readonly entries: number; readonly head: string; readonly checkpoints: number }
  /** `seq` is the first bad entry; `problem` one of the four kinds of tampering, or a bad signature. */
  | { readonly ok: false; readonly seq: number; readonly problem: 'changed' | 'removed' | 'reordered' | 'truncated' | 'bad-signature'; readonly detail: string };

export interface Checkpoint {
  readonly seq: number;
  readonly head: string;
  readonly at: string;
  /** Ed25519 over the canonical JSON of the other members, base64. */
  readonly signature: string;
  /** Public key (SPKI), base64. */
  readonly key: string;
  /** Left by pruning: entries up to and including `seq` were removed, and the chain begins after them. */
  readonly pruned?: true;
}

export type RetentionKind = 'reports' | 'entries' | 'plans' | 'outbox' | 'sightings';
