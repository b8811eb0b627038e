import type { Entry, EntryKind } from '../../ledger/ledger.js';
import { stepName } from '../context.js';
import type { Dependencies } from '../deps.js';
import type { PartRef } from '../types.js';

type Round = Pick<PartRef, 'incident' | 'part' | 'round'>;

/** When the staging of this round began, which its gates had allowed, and when it was done (ISO, UTC). */
export interface Staging {
  readonly begunAt?: string;
  readonly stagedAt?: string;
}

/** When staging of a part began and ended (ISO, UTC), from the record; what is not on record is absent. */
export async function stagingOf(deps: Dependencies, ref: Round): Promise<Staging> {
  const entry = await entryOfRound(deps, ref, 'staged');
  if (entry === undefined) return {};
  const begunAt = entry.data['begunAt'];
  return { stagedAt: entry.at, ...(typeof begunAt === 'string' ? { begunAt } : {}) };
}

/** The entry of this kind that one staging of a part has. */
export async function entryOfRound(deps: Dependencies, { incident, part, round }: Round, kind: EntryKind): Promise<Entry | undefined> {
  const { environment, target, number } = incident;
  for await (const entry of deps.ledger.entries({ environment, target, incident: number, kinds: [kind] })) {
    if (entry.data['part'] === part && entry.data['round'] === round) return entry;
  }
  return undefined;
}

/** Whether a switch was begun: before its first intent nothing was written, and after this fence none is let in. */
export async function hasBegun(deps: Dependencies, ref: Round): Promise<boolean> {
  const step = stepName(ref, 'finalize');
  return (await deps.ledger.intents({ incident: ref.incident })).some((intent) => intent.step === step);
}
