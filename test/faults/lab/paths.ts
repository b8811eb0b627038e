import type { Approvals, Limits } from '../../../src/config/config.js';
import type { Outcome, Phase } from '../../../src/domain/phase.js';
import type { TimeWindow } from '../../../src/domain/gates/window.js';
import type { State } from './cloud.js';
import type { Person } from './people.js';

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
  /** Of its environment, beyond the usual. */
  readonly approvals?: Partial<Approvals>;
  readonly limits?: Pick<Limits, 'failures' | 'budget'>;
  readonly windows?: readonly TimeWindow[];
  /** Somebody closes a gate of the target, once, while the copy is measured, or what is live after the switch. */
  readonly closes?: { readonly gate: 'busy' | 'freeze'; readonly forMs: number; readonly at?: 'copied' | 'switched' };
  /** The breaker of its environment is closed from the start, and lets one repair through after so long. */
  readonly halfOpenMs?: number;
  /** A change was accepted once, and its time is over. */
  readonly lapsed?: true;
  /** Its desired state lies in a bare Git repository of its own. */
  readonly git?: true;
  /** So many cases share an environment; 8 unless it says otherwise. */
  readonly together?: number;
}

export interface Act {
  readonly at: Phase;
  readonly does: 'approve' | 'break-glass' | 'reject' | 'cancel' | 'move' | 'clear' | 'freeze' | 'unfreeze' | 'adopt' | 'merge' | 'accept';
  /** Everybody who says it, in this order; alice alone unless it says otherwise. */
  readonly by?: readonly Person[];
  /** Not before others may approve too. */
  readonly once?: 'escalated';
  /** What is accepted is left alone for so long. */
  readonly forMs?: number;
}

const YEAR_MS = 366 * 86_400_000;
/** Two of three, who prove who they are. */
const TWO_OF_SRE: Partial<Approvals> = { trust: 'signed', rules: [{ any: [{ group: 'sre', count: 2 }] }] };
const ESCALATED: Partial<Approvals> = { ...TWO_OF_SRE, remindMs: [700], escalate: [{ afterMs: 1_200, to: 'leads' }] };
/** A drift that moves may become several parts, which is left to when a check looks; a place that one of them keeps for nothing is seen at the end. */
const WIDE = { max: 5, withinMs: 3_600_000 };
const NEVER: TimeWindow = { kind: 'deny', start: '0 0 1 1 *', durationMs: YEAR_MS, timezone: 'UTC', actions: ['stage', 'finalize'], overrun: false };

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
  { name: 'voted', remediation: 'ask', outcome: 'fixed', approvals: TWO_OF_SRE, acts: [{ at: 'awaiting-approval', does: 'approve', by: ['alice', 'bob'] }] },
  { name: 'voted-rejected', remediation: 'ask', outcome: 'rejected', approvals: TWO_OF_SRE, acts: [{ at: 'awaiting-approval', does: 'approve' }, { at: 'awaiting-approval', does: 'reject', by: ['bob'] }] },
  { name: 'voted-moved', remediation: 'ask', outcome: 'fixed', approvals: TWO_OF_SRE, acts: [{ at: 'awaiting-approval', does: 'approve' }, { at: 'awaiting-approval', does: 'move' }, { at: 'awaiting-approval', does: 'approve', by: ['alice', 'bob'] }] },
  { name: 'escalated', remediation: 'ask', outcome: 'fixed', approvals: ESCALATED, acts: [{ at: 'awaiting-approval', does: 'approve' }, { at: 'awaiting-approval', does: 'approve', by: ['alice', 'dave'], once: 'escalated' }] },
  { name: 'unanswered', remediation: 'ask', outcome: 'expired', expiresMs: 3_000, approvals: ESCALATED },
  { name: 'glass', remediation: 'ask', outcome: 'fixed', windows: [NEVER], approvals: { ...TWO_OF_SRE, breakGlass: { group: 'leads', expiresMs: 600_000, unverified: false } }, acts: [{ at: 'awaiting-approval', does: 'break-glass', by: ['dave'] }] },
  { name: 'kept', remediation: 'auto', outcome: 'fixed', closes: { gate: 'busy', forMs: 2_500 } },
  { name: 'kept-frozen', remediation: 'auto', outcome: 'fixed', closes: { gate: 'busy', forMs: 600_000 }, acts: [{ at: 'kept', does: 'freeze' }, { at: 'waiting', does: 'unfreeze' }], together: 2 },
  { name: 'unstaged', remediation: 'auto', outcome: 'fixed', closes: { gate: 'freeze', forMs: 2_500 } },
  { name: 'half-open', remediation: 'auto', outcome: 'fixed', halfOpenMs: 1_500, limits: { failures: { max: 1, withinMs: 2_000 } }, together: 2 },
  { name: 'half-open-moved', remediation: 'auto', outcome: 'fixed', halfOpenMs: 1_500, meddles: 'staged', limits: { failures: { max: 1, withinMs: 2_000 } }, together: 2 },
  { name: 'half-open-failed', remediation: 'auto', outcome: 'rolled-back', sick: 'switch', halfOpenMs: 1_500, limits: { failures: { max: 1, withinMs: 2_000 } } },
  { name: 'budget-moved', remediation: 'auto', outcome: 'fixed', meddles: 'staged', limits: { budget: WIDE }, together: 1 },
  { name: 'lapsed', remediation: 'auto', outcome: 'fixed', lapsed: true },
  { name: 'accepted', remediation: 'ask', outcome: 'accepted', acts: [{ at: 'awaiting-approval', does: 'accept', forMs: 86_400_000 }] },
  { name: 'accepted-lapsed', remediation: 'ask', outcome: 'fixed', acts: [{ at: 'awaiting-approval', does: 'accept', forMs: 8_000 }, { at: 'awaiting-approval', does: 'approve' }] },
  { name: 'adopted', remediation: 'ask', outcome: 'adopted', git: true, acts: [{ at: 'awaiting-approval', does: 'adopt' }, { at: 'awaiting-approval', does: 'merge' }] },
  { name: 'frozen-asked', remediation: 'ask', outcome: 'fixed', acts: [{ at: 'awaiting-approval', does: 'freeze' }, { at: 'awaiting-approval', does: 'approve' }, { at: 'waiting', does: 'unfreeze' }], together: 1 },
  { name: 'frozen-switched', remediation: 'auto', outcome: 'fixed', closes: { gate: 'freeze', forMs: 2_500, at: 'switched' } },
  { name: 'frozen-back', remediation: 'auto', outcome: 'rolled-back', sick: 'switch', closes: { gate: 'freeze', forMs: 2_500, at: 'switched' } },
  { name: 'frozen-soaking', remediation: 'auto', outcome: 'fixed', soakMs: 20_000, acts: [{ at: 'soaking', does: 'freeze' }, { at: 'soaking', does: 'unfreeze' }], together: 1 },
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
const DRIFT: Readonly<Record<string, string | null>> = { r1: 'uno', r2: 'dos', r3: '', r5: null, secret: CANARIES[1] };
/** What drifts on a path: no secret is written into a desired state, so that none drifts where it is adopted. */
export function driftOf({ git }: Pick<Path, 'git'>): Readonly<Record<string, string | null>> {
  const { secret: _, ...rest } = DRIFT;
  return git === true ? rest : DRIFT;
}

export const MOVED: Readonly<Record<string, string | null>> = { r1: 'moved on' };
export const MEDDLED: Readonly<Record<string, string | null>> = { r1: 'of another hand' };
