import type { IncidentRow } from '../../../src/ledger/ledger.js';
import type { Violation } from '../../support/statements.js';
import type { LogLine } from './call-log.js';
import { BESIDE, type State } from './cloud.js';

/** What one target left behind in the laboratory, beside the record. */
export interface CallEvidence {
  readonly address: string;
  readonly lines: readonly LogLine[];
  readonly incidents: readonly IncidentRow[];
  readonly live: State;
  readonly desired: State;
  readonly before: State;
}

/** What the engine's own log says about the ten statements, whatever the record claims. */
export function callViolations(evidence: CallEvidence): readonly Violation[] {
  return [askedWho, effectsConverge, fencesGrow, oneIncidentWrites, recordedAround, wholeEnd].flatMap((rule) => rule(evidence));
}

const effectsOf = (lines: readonly LogLine[]): readonly LogLine[] => lines.filter((line) => line.what === 'effect');

/** 3. Nobody writes to whom they have not looked at: each attempt that had an effect looked before it, and saw who answers. */
function askedWho({ address, lines }: CallEvidence): readonly Violation[] {
  const found = new Map<string, Violation>();
  for (const effect of effectsOf(lines)) {
    const asked = lines.some((line) => line.attempt === effect.attempt && line.seq < effect.seq && line.what === 'done' && line.label.endsWith('cloud.list'));
    if (!asked) found.set(effect.attempt, { statement: 3, incident: address, detail: `${effect.attempt} wrote ${effect.resource ?? ''} and had not asked who answers` });
  }
  return [...found.values()];
}

/** 4. However often a step runs, each resource changes once under one intent. */
function effectsConverge({ address, lines }: CallEvidence): readonly Violation[] {
  const counts = new Map<string, number>();
  for (const { key = '', resource = '' } of effectsOf(lines)) counts.set(`${key} of ${resource}`, (counts.get(`${key} of ${resource}`) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1).map(([name, count]) => ({ statement: 4, incident: address, detail: `${name} had its effect ${count} times` }));
}

/** 5. No effect under an old fence once a newer one has written. */
function fencesGrow({ address, lines }: CallEvidence): readonly Violation[] {
  let newest = 0;
  return effectsOf(lines).flatMap(({ fence = 0, key = '' }) => {
    const last = newest;
    newest = Math.max(newest, fence);
    return fence < last ? [{ statement: 5, incident: address, detail: `${key} had its effect under the fence ${fence}, after one under ${last}` }] : [];
  });
}

/** 5. No two incidents write the same target at once: once a later one has written, or it has ended, an earlier one writes no more. */
function oneIncidentWrites({ address, lines }: CallEvidence): readonly Violation[] {
  let latest = 0;
  const ended = new Set<number>();
  return lines.flatMap((line) => {
    if (line.what === 'done' && line.label.includes('ledger.closeIncident')) ended.add(latest);
    if (line.what !== 'effect') return [];
    const number = incidentOf(line.key);
    const isLate = number < latest;
    latest = Math.max(latest, number);
    if (isLate) return [{ statement: 5, incident: address, detail: `${line.key ?? ''} had its effect after incident ${latest} had written` }];
    return ended.has(number) && !isTidying(line) ? [{ statement: 5, incident: address, detail: `${line.key ?? ''} had its effect after its incident had ended` }] : [];
  });
}

/** 7. Every effect has an intent before it and an outcome after it. */
function recordedAround({ address, lines, incidents }: CallEvidence): readonly Violation[] {
  return effectsOf(lines).flatMap((effect) => {
    const own = lines.filter((line) => line.key === effect.key && line.what === 'done');
    const intended = own.some((line) => line.label.includes('ledger.intend ') && line.seq < effect.seq);
    const ended = own.some((line) => line.label.includes('ledger.closeIntent') && line.seq > effect.seq);
    const row = incidents.find((each) => each.number === incidentOf(effect.key));
    const say = (what: string): Violation => ({ statement: 7, incident: address, detail: `${effect.key ?? 'something'} changed ${effect.resource ?? ''} ${what}` });
    return [...(intended ? [] : [say('before its intent was recorded')]), ...(ended || row?.closedAt === undefined ? [] : [say('and no outcome was recorded after it')])];
  });
}

/** 6. `fixed` leaves every resource that was touched as desired; `rolled-back` and `cancelled` as it was before. */
function wholeEnd({ address, lines, incidents, live, desired, before }: CallEvidence): readonly Violation[] {
  const last = incidents.reduce<IncidentRow | undefined>((newest, row) => (newest === undefined || row.number > newest.number ? row : newest), undefined);
  const wanted = last?.outcome === 'fixed' ? desired : last?.outcome === 'rolled-back' || last?.outcome === 'cancelled' ? before : undefined;
  if (last === undefined || wanted === undefined) return [];
  const touched = new Set(effectsOf(lines).map((line) => line.resource ?? '').filter((name) => !name.startsWith(BESIDE)));
  return [...touched].filter((name) => live[name] !== wanted[name]).map((name) => ({ statement: 6, incident: address, detail: `${name} is not as it must be after ${last.outcome ?? ''}` }));
}

function isTidying({ resource = '' }: LogLine): boolean {
  return resource.startsWith(BESIDE);
}

function incidentOf(key: string | undefined): number {
  return Number(/#(\d+)\//.exec(key ?? '')?.[1] ?? 0);
}
