import type { Verdict } from '../change.js';

/** What a check does about one target, beyond recording what it saw. */
export type SightingAction =
  | { readonly action: 'none'; readonly reason: string }
  | { readonly action: 'open'; readonly kind: 'drift' | 'blind'; readonly reason: string }
  /** The open incident is told that its changes moved or are gone. */
  | { readonly action: 'tell'; readonly reason: string };

export interface SightingInput {
  readonly now: string;
  readonly verdict: Verdict;
  /** Fingerprint of the changes that are neither settled nor accepted; `CLEAN` when there are none. */
  readonly drift: string;
  /** The earliest first sight of each such change (ISO, UTC). */
  readonly firstSeen: readonly string[];
  readonly settleMs: number;
  readonly blindAfterMs: number;
  /** Last time that the verdict was known; absent when it never was, then `since` counts. */
  readonly lastKnownAt?: string;
  readonly since: string;
  readonly open?: { readonly kind: string; readonly drift: string };
}

/** The drift of a target without changes that matter. */
export const CLEAN = 'clean';

/** Level-triggered: the same sight again does nothing, whatever was missed in between. */
export function sightingAction(input: SightingInput): SightingAction {
  const { open, verdict } = input;
  if (verdict === 'unknown') {
    const blindFor = Date.parse(input.now) - Date.parse(input.lastKnownAt ?? input.since);
    if (open !== undefined) return { action: 'none', reason: 'unknown closes nothing and repairs nothing' };
    if (blindFor < input.blindAfterMs) return { action: 'none', reason: 'unknown, for less than blindAfter' };
    return { action: 'open', kind: 'blind', reason: 'unknown for longer than blindAfter' };
  }
  if (open !== undefined) {
    if (open.drift === input.drift) return { action: 'none', reason: 'the same sight again' };
    return { action: 'tell', reason: input.drift === CLEAN ? 'the changes are gone' : 'the changes moved' };
  }
  if (input.drift === CLEAN) return { action: 'none', reason: verdict === 'clean' ? 'clean' : 'every change is settled or accepted' };
  const oldest = Math.min(...input.firstSeen.map((each) => Date.parse(each)));
  if (Date.parse(input.now) - oldest < input.settleMs) return { action: 'none', reason: 'settling: seen for less than settle' };
  return { action: 'open', kind: 'drift', reason: 'a drift that is new and not settled' };
}
