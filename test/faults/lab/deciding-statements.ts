import type { IncidentRow, ClosedGate, Entry, OutboxMessage } from '../../../src/ledger/ledger.js';
import type { Violation } from '../../support/statements.js';
import type { Path } from './paths.js';

/** What one case of the laboratory left of deciding: of people, gates and exceptions. */
export interface DecidingEvidence {
  readonly address: string;
  readonly path: Pick<Path, 'approvals' | 'halfOpenMs' | 'lapsed' | 'outcome'>;
  readonly entries: readonly Entry[];
  readonly incidents: readonly IncidentRow[];
  /** In force at the end: closed gates, and the places that gates have given. */
  readonly gates: readonly ClosedGate[];
  /** Of this target. */
  readonly messages: readonly Pick<OutboxMessage, 'event' | 'subject'>[];
  /** Branches of its repository that stand for an adoption, where its desired state lies in one. */
  readonly proposed?: readonly { readonly branch: string; readonly commits: number }[];
}

/** What must hold of deciding, beside what `statements.ts` says of every record. */
export function decidingViolations(evidence: DecidingEvidence): readonly Violation[] {
  return [enoughApproved, placesGivenBack, breakerKnows, toldOnce, adoptedOnce].flatMap((rule) => rule(evidence).map((detail) => ({ ...detail, incident: evidence.address })));
}

/** 3. What is written was approved by as many people as must, each of whom said so about the same question before; or one broke the glass. */
function enoughApproved({ path, entries }: DecidingEvidence): readonly Violation[] {
  const needed = path.approvals?.rules?.[0]?.any?.[0]?.count;
  if (needed === undefined) return [];
  return entries.filter((entry) => entry.kind === 'intent').flatMap((intent): Violation[] => {
    const before = entries.filter((entry) => entry.seq < intent.seq && entry.incident === intent.incident);
    const approvals = before.filter((entry) => entry.kind === 'approved' && entry.data['plan'] === intent.data['plan']);
    if (approvals.some((entry) => entry.data['breakGlass'] !== undefined && path.approvals?.breakGlass !== undefined)) return [];
    const people = approvals.map((entry) => new Set([entry.by, ...before.filter((vote) => vote.kind === 'voted' && vote.data['ask'] === entry.data['ask']).map((vote) => vote.data['person'])]).size);
    return Math.max(0, ...people) >= needed ? [] : [{ statement: 3, detail: `${textOf(intent)} was written when ${Math.max(0, ...people)} of ${needed} people had approved it` }];
  });
}

/** 9. Who has ended holds nobody up: what a breaker let through is given back, and what was never switched does not count for the budget. */
function placesGivenBack({ address, entries, incidents, gates }: DecidingEvidence): readonly Violation[] {
  const own = gates.filter((row) => row.holder?.startsWith(`${address}#`) === true);
  return own.flatMap((row): Violation[] => {
    const [number, part] = (row.holder ?? '').slice(address.length + 1).split('/').map(Number);
    if (incidents.find((each) => each.number === number)?.closedAt === undefined) return [];
    const switched = entries.some((entry) => entry.incident === number && (entry.kind === 'finalized' || entry.kind === 'rolled-back') && entry.data['part'] === part && entry.data['cause'] !== 'moved');
    return row.gate === 'budget' && switched ? [] : [{ statement: 9, detail: `${row.holder ?? ''} still has a place of the ${row.gate}` }];
  });
}

/** 1. A repair that was let through and held opens the breaker; one that failed closes it, once, for the next time. */
function breakerKnows({ address, path, gates, incidents }: DecidingEvidence): readonly Violation[] {
  const last = incidents.reduce<IncidentRow | undefined>((newest, row) => (newest === undefined || row.number > newest.number ? row : newest), undefined);
  if (path.halfOpenMs === undefined || last?.outcome !== path.outcome) return [];
  const closed = gates.filter((row) => row.gate === 'breaker' && row.holder === undefined).length;
  const wanted = path.outcome === 'fixed' ? 0 : 1;
  return closed === wanted ? [] : [{ statement: 1, detail: `after ${path.outcome} ${address} finds ${closed} closed breakers, and ${wanted} was to be` }];
}

/** 8. Each of these is told once, under one delivery id. */
function toldOnce({ path, entries, messages }: DecidingEvidence): readonly Violation[] {
  const lapses = new Set(entries.filter((entry) => entry.data['event'] === 'lapsed').map((entry) => entry.data['of'])).size;
  const expected: Readonly<Record<string, number>> = {
    'approval-escalated': entries.filter((entry) => entry.kind === 'escalated').length,
    'break-glass': entries.filter((entry) => entry.kind === 'approved' && entry.data['breakGlass'] !== undefined).length,
    // One message for all that was accepted in the same words.
    lapsed: new Set(entries.filter((entry) => entry.data['event'] === 'lapsed').map((entry) => entry.data['message'])).size,
  };
  const missing = path.lapsed === true && lapses !== 1 ? [`${lapses} acceptances have lapsed, and 1 was there`] : [];
  const wrong = Object.entries(expected).flatMap(([event, count]) => {
    const told = messages.filter((message) => message.event === event).length;
    return told === count ? [] : [`${event} was told ${told} times, and happened ${count} times`];
  });
  return [...missing, ...wrong].map((detail) => ({ statement: 8, detail }));
}

/** 4. What was adopted is one branch of one commit, and one entry of the record. */
function adoptedOnce({ entries, proposed }: DecidingEvidence): readonly Violation[] {
  if (proposed === undefined) return [];
  const made = entries.filter((entry) => entry.kind === 'adopted');
  const recorded = new Set(made.map((entry) => entry.data['branch']));
  return [
    ...(made.length === proposed.length && proposed.every(({ branch }) => recorded.has(branch)) ? [] : [{ statement: 4, detail: `${proposed.length} branches were pushed (${proposed.map(({ branch }) => branch).join(', ')}), and ${made.length} adoptions are on record` }]),
    ...proposed.filter(({ commits }) => commits !== 1).map(({ branch, commits }) => ({ statement: 4, detail: `${branch} has ${commits} commits` })),
  ];
}

function textOf({ data }: Entry): string {
  return typeof data['key'] === 'string' ? data['key'] : 'something';
}
