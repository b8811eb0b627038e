import { formatAddress } from '../../domain/address.js';
import { byAttention } from '../../domain/phase.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { isClosed, isUnread, partsOf } from '../incident-row.js';
import type { RecordedPart } from '../parts.js';
import { plain, plainLines, shellWord } from './escape.js';

/** More parts than this are read below. */
const SHOWN = 5;
/** What `narrate` ends in where somebody has something to do. */
const NEXT = '\n\nWhat to do next:\n';

/** What is the matter and what moves it, a line for each part, what most needs a person first. */
export function leadLines(row: IncidentRow, unread: string | undefined): readonly string[] {
  if (isUnread(row)) return [`it cannot be read: ${plain(unread ?? 'no reason is on record')}`, `nothing is repaired meanwhile; it closes by itself once a check reads it: holdfast check ${shellWord(formatAddress(row))} --remote`];
  const parts = [...partsOf(row)].filter((part) => isClosed(row) || part.outcome === undefined).sort((one, other) => byAttention(one.phase, other.phase));
  const told = parts.flatMap((part) => saidOf(part) ?? []);
  return [...told.slice(0, SHOWN), ...(told.length > SHOWN ? [`… and ${told.length - SHOWN} more, below`] : [])];
}

function saidOf(part: RecordedPart): string | undefined {
  const waits = part.waitsFor === undefined ? part.phase : [part.waitsFor, ...(part.phase === 'awaiting-approval' ? [part.approvals] : [])].filter((each) => each !== undefined).join('; ');
  const what = part.outcome === undefined ? part.blocked ?? waits : [part.outcome, part.reason].filter((each) => each !== undefined).join(': ');
  if (what === undefined) return undefined;
  return `${plain(part.brief ?? `part ${part.part ?? 1}`)}: ${plain(what)}`;
}

/** The story of an incident, and what it says is to be done, which is read first where the repair did not hold. */
export function storyOf({ narrative = '', outcome }: Pick<IncidentRow, 'narrative' | 'outcome'>): { readonly story: readonly string[]; readonly next: readonly string[] } {
  const [story = '', next] = outcome === 'fixed' ? [narrative] : narrative.split(NEXT);
  return { story: story === '' ? [] : plainLines(story), next: next === undefined ? [] : plainLines(next) };
}
