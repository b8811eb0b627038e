import type { DecideChange, Decision, DecisionInput } from '../domain/decision.js';
import type { Target } from '../domain/target.js';
import type { Entry } from '../ledger/ledger.js';
import { recordedIn } from './recorded.js';
import { decideGiven } from './testing.js';

export interface Replaying {
  readonly decide: DecideChange;
  /** The target and its environment as configured now; `undefined` for one that is configured no more. */
  readonly find: (address: { readonly environment: string; readonly target: string }) => { readonly target: Target; readonly environment: DecisionInput['environment'] } | undefined;
}

/** A change that would be decided otherwise. */
export interface Moved {
  /** `prod/storefront#7`. */
  readonly incident: string;
  readonly at: string;
  readonly resource: string;
  readonly path: string;
  readonly was: { readonly decision: Decision; readonly rules: readonly string[] };
  readonly now: { readonly decision: Decision; readonly rules: readonly string[]; readonly reason: string };
}

export interface Replay {
  /** How many changes were decided again. */
  readonly decided: number;
  readonly same: number;
  readonly moved: readonly Moved[];
  /** How many of each: `ask → remediate`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Changes that the record counts, and of which it does not hold enough. */
  readonly notKept: number;
  /** Changes of targets that are configured no more. */
  readonly gone: number;
}

/** Decides again what is on record, under other rules. Changes nothing. Entries of a part that was decided twice count once, as the last. */
export async function replay(entries: AsyncIterable<Entry>, { decide, find }: Replaying): Promise<Replay> {
  const parts = new Map<string, Entry>();
  for await (const entry of entries) parts.set(`${entry.environment ?? ''}/${entry.target ?? ''}#${entry.incident ?? 0} ${JSON.stringify(entry.data['part'])}`, entry);
  const moved: Moved[] = [];
  const counts: Record<string, number> = {};
  const tally = { decided: 0, notKept: 0, gone: 0 };
  for (const { environment = '', target = '', incident = 0, at, data } of parts.values()) {
    const count = typeof data['count'] === 'number' ? data['count'] : 0;
    const place = find({ environment, target });
    if (place === undefined) {
      tally.gone += count;
      continue;
    }
    const recorded = recordedIn({ data, at, ...place });
    tally.notKept += Math.max(0, count - recorded.length);
    for (const { resource, path, was, input } of recorded) {
      if (input === undefined) {
        tally.notKept += 1;
        continue;
      }
      tally.decided += 1;
      const now = decideGiven(decide, input);
      if (now.decision === was.decision) continue;
      const key = `${was.decision} → ${now.decision}`;
      counts[key] = (counts[key] ?? 0) + 1;
      moved.push({ incident: `${environment}/${target}#${incident}`, at, resource, path, was: { decision: was.decision, rules: was.rules }, now: { decision: now.decision, rules: now.rules, reason: now.reason } });
    }
  }
  return { ...tally, same: tally.decided - moved.length, moved, counts };
}
