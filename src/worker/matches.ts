import type { LoadedConfig } from '../config/load.js';
import type { Ledger } from '../ledger/ledger.js';

/** Where the ledger remembers which matches of `each` may be repaired. */
const MATCHES = 'matches';

export interface Learning {
  readonly ledger: Pick<Ledger, 'getMeta' | 'setMeta' | 'lastObservation'>;
  /** What this process knows; grows. */
  readonly known: Set<string>;
  /** Control alone may write down what was learnt. */
  readonly control: boolean;
}

/** What `each` matched at the first start is known; another worker that is first goes by its own configuration. */
export async function knownMatches({ ledger, control }: Omit<Learning, 'known'>, { matches }: Pick<LoadedConfig, 'matches'>): Promise<Set<string>> {
  const remembered = await rememberedIn(ledger);
  if (remembered === undefined && control) await ledger.setMeta(MATCHES, JSON.stringify(matches));
  return new Set(remembered ?? matches);
}

/**
 * A new match is only observed until one look at it was clean: then its desired state is what it claims
 * to be. Control learns it from the looks, every other process from what control wrote down. Returns
 * whether more is known now.
 */
export async function learnMatches({ ledger, known, control }: Learning, matches: readonly string[]): Promise<boolean> {
  if (matches.every((match) => known.has(match))) return false;
  const before = known.size;
  for (const match of (await rememberedIn(ledger)) ?? []) known.add(match);
  const learnt = control ? await seenClean(ledger, matches.filter((match) => !known.has(match))) : [];
  for (const match of learnt) known.add(match);
  if (learnt.length > 0) await ledger.setMeta(MATCHES, JSON.stringify([...known].sort()));
  return known.size > before;
}

async function rememberedIn(ledger: Learning['ledger']): Promise<readonly string[] | undefined> {
  const remembered = await ledger.getMeta(MATCHES);
  return remembered === undefined ? undefined : (JSON.parse(remembered) as readonly string[]);
}

async function seenClean(ledger: Learning['ledger'], matches: readonly string[]): Promise<readonly string[]> {
  const clean: string[] = [];
  for (const match of matches) {
    const [environment = '', target = ''] = match.split('/');
    if ((await ledger.lastObservation({ environment, target }))?.verdict === 'clean') clean.push(match);
  }
  return clean;
}
