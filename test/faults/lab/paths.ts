import type { Outcome } from '../../../src/domain/phase.js';
import type { State } from './cloud.js';

/** When health fails: of the copy that was staged, right after the switch, or later in the soak. */
export type Sick = 'shadow' | 'switch' | 'soak';

/** One way through an incident: how its target is configured, what people and the world do, and how it must end. */
export interface Path {
  readonly name: string;
  readonly remediation: 'auto' | 'ask';
  readonly outcome: Outcome;
  readonly sick?: Sick;
  readonly soakMs?: number;
  readonly expiresMs?: number;
  /** Somebody changes a resource while the copy is measured, or right after the switch. */
  readonly meddles?: 'staged' | 'switched';
  /** What a person does once a phase is seen, each once, in order. */
  readonly acts?: readonly Act[];
  /** After the end: the repair is undone. */
  readonly undo?: true;
}

export interface Act {
  readonly at: 'awaiting-approval' | 'soaking';
  readonly does: 'approve' | 'reject' | 'cancel' | 'move' | 'clear';
}

export const PATHS: readonly Path[] = [
  { name: 'fixed', remediation: 'auto', outcome: 'fixed' },
  { name: 'back-shadow', remediation: 'auto', outcome: 'rolled-back', sick: 'shadow' },
  { name: 'back-switch', remediation: 'auto', outcome: 'rolled-back', sick: 'switch' },
  { name: 'back-soak', remediation: 'auto', outcome: 'rolled-back', sick: 'soak' },
  { name: 'approved', remediation: 'ask', outcome: 'fixed', acts: [{ at: 'awaiting-approval', does: 'approve' }] },
  { name: 'rejected', remediation: 'ask', outcome: 'rejected', acts: [{ at: 'awaiting-approval', does: 'reject' }] },
  { name: 'cancelled-waiting', remediation: 'ask', outcome: 'cancelled', acts: [{ at: 'awaiting-approval', does: 'cancel' }] },
  { name: 'cancelled-soaking', remediation: 'auto', outcome: 'cancelled', soakMs: 60_000, acts: [{ at: 'soaking', does: 'cancel' }] },
  { name: 'expired', remediation: 'ask', outcome: 'expired', expiresMs: 3_000 },
  { name: 'moved', remediation: 'ask', outcome: 'fixed', acts: [{ at: 'awaiting-approval', does: 'move' }, { at: 'awaiting-approval', does: 'approve' }] },
  { name: 'moved-staged', remediation: 'auto', outcome: 'fixed', meddles: 'staged' },
  { name: 'cleared', remediation: 'ask', outcome: 'cleared', acts: [{ at: 'awaiting-approval', does: 'clear' }] },
  { name: 'stuck', remediation: 'ask', outcome: 'needs-human', sick: 'switch', meddles: 'switched', acts: [{ at: 'awaiting-approval', does: 'approve' }] },
  { name: 'undone', remediation: 'auto', outcome: 'rolled-back', undo: true },
];

export function pathNamed(name: string): Path {
  const path = PATHS.find((each) => each.name === name);
  if (path === undefined) throw new Error(`no path ${name}; there are ${PATHS.map((each) => each.name).join(', ')}`);
  return path;
}

/** Secrets of both sides, which must leave the cloud nowhere. */
export const CANARIES = ['canary-desired-58d1', 'canary-live-c07e'] as const;

export const DESIRED: State = { r1: 'one', r2: 'two', r3: 'three', r5: 'five', secret: CANARIES[0], still: 'as it should be' };
export const LIVE: State = { ...DESIRED };

/** Five of six: two are changed, one is gone, one is secret, and one was emptied. */
export const DRIFT: Readonly<Record<string, string | null>> = { r1: 'uno', r2: 'dos', r3: '', r5: null, secret: CANARIES[1] };
export const MOVED: Readonly<Record<string, string | null>> = { r1: 'moved on' };
export const MEDDLED: Readonly<Record<string, string | null>> = { r1: 'of another hand' };
