import type { Change } from '../domain/change.js';
import type { Decided, DecideChange, Decision, DecisionInput, Risk } from '../domain/deciding/decision.js';
import type { Target } from '../domain/target.js';
import type { Entry } from '../ledger/ledger.js';
import { recordedIn } from './recorded.js';
import { decisionText } from './telling.js';
import { decideGiven } from './testing.js';

export interface Replaying {
  readonly decide: DecideChange;
  /** The target and its environment as configured now; `undefined` for one that is configured no more. */
  readonly find: (address: { readonly environment: string; readonly target: string }) => { readonly target: Target; readonly environment: DecisionInput['environment'] } | undefined;
  /** The changes of a stored plan, by its hash; `undefined` for one that cannot be read. Asked only for entries that do not say all of their changes. */
  readonly changesOf: (plan: string) => Promise<readonly Change[] | undefined>;
}

/** What was, or would be, decided. `would`: of what is only observed. */
export interface Said {
  readonly decision: Decision;
  readonly would?: Decision;
  readonly risk: Risk;
  readonly rules: readonly string[];
}

/** A change that would be decided otherwise, or be of another risk. */
export interface Moved {
  /** `prod/storefront#7`. */
  readonly incident: string;
  readonly at: string;
  readonly resource: string;
  readonly path: string;
  readonly was: Said;
  readonly now: Said & { readonly reason: string };
}

export interface Replay {
  /** How many changes were decided again. */
  readonly decided: number;
  /** Of them, those with the same decision and the same risk. */
  readonly same: number;
  readonly moved: readonly Moved[];
  /** How many of each: `ask → remediate`, `hold (would ask) → hold (would remediate)`. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many of each, whatever was decided: `medium → high`. */
  readonly risks: Readonly<Record<string, number>>;
  /** Changes that the record counts, and of which it does not hold enough. */
  readonly notKept: number;
  /** Changes of targets that are configured no more. */
  readonly gone: number;
}

/** Decides again what is on record, under other rules. Changes nothing. Entries of a part that was decided twice count once, as the last. */
export async function replay(entries: AsyncIterable<Entry>, { decide, find, changesOf }: Replaying): Promise<Replay> {
  const parts = new Map<string, Entry>();
  for await (const entry of entries) parts.set(`${entry.environment ?? ''}/${entry.target ?? ''}#${entry.incident ?? 0} ${JSON.stringify(entry.data['part'])}`, entry);
  const moved: Moved[] = [];
  const counts: Record<string, number> = {};
  const risks: Record<string, number> = {};
  const tally = { decided: 0, notKept: 0, gone: 0 };
  for (const { environment = '', target = '', incident = 0, at, data } of parts.values()) {
    const count = typeof data['count'] === 'number' ? data['count'] : 0;
    const place = find({ environment, target });
    if (place === undefined) {
      tally.gone += count;
      continue;
    }
    const planned = data['rest'] === undefined || typeof data['plan'] !== 'string' ? undefined : await changesOf(data['plan']);
    const recorded = recordedIn({ data, at, ...place, ...(planned === undefined ? {} : { planned }) });
    tally.notKept += Math.max(0, count - recorded.length);
    for (const { resource, path, was: before, input } of recorded) {
      if (input === undefined) {
        tally.notKept += 1;
        continue;
      }
      tally.decided += 1;
      const { reason: _, ...was } = saidOf(before);
      const now = saidOf(decideGiven(decide, input));
      if (decisionText(was) === decisionText(now) && was.risk === now.risk) continue;
      if (decisionText(was) !== decisionText(now)) add(counts, `${decisionText(was)} → ${decisionText(now)}`);
      if (was.risk !== now.risk) add(risks, `${was.risk} → ${now.risk}`);
      moved.push({ incident: `${environment}/${target}#${incident}`, at, resource, path, was, now });
    }
  }
  return { ...tally, same: tally.decided - moved.length, moved, counts, risks };
}

/** What is only observed is told by what would be done, and why. */
function saidOf({ decision, would, risk, rules, reason = '' }: Pick<Decided, 'decision' | 'would' | 'risk' | 'rules'> & { readonly reason?: string }): Moved['now'] {
  return decision === 'hold' && would !== undefined ? { decision, would: would.decision, risk, rules: would.rules, reason: would.reason } : { decision, risk, rules, reason };
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
