import { describe, expect, it } from 'vitest';
import { entryCells } from '../../src/cli/render/entry.js';
import { leadLines, storyOf } from '../../src/cli/render/lead.js';
import { makeStyle } from '../../src/cli/render/style.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { IncidentRow } from '../../src/ledger/ledger.js';
import { change, cli, connected, HASH, incident, plan, recorded, stream } from './support.js';

const ASKED = { part: 3, phase: 'awaiting-approval', brief: 'etc/limits.json /workers', waitsFor: 'an approval until 2030-01-31T16:00:00.000Z: holdfast approve prod/shop#7 --plan 3f9ac2d10000' };
const GATED = { part: 1, phase: 'waiting', brief: 'etc/app.yaml /port', waitsFor: 'flapping of prod/shop by holdfast; to open it: holdfast release prod/shop --gate flapping --reason WHY' };
const SEEN = { part: 2, phase: 'observed', brief: 'etc/motd', waitsFor: 'nothing is done by itself' };
const FIXED = { part: 4, phase: 'closed', outcome: 'fixed', brief: 'etc/done.yaml', reason: 'it was repaired' };
const BACK = { part: 5, phase: 'closed', outcome: 'rolled-back', brief: 'etc/bad.yaml', reason: 'status 503' };

describe('what is read first of an incident', () => {
  it.each<{ row: Partial<IncidentRow>; unread?: string; says: readonly string[]; reason: string }>([
    { row: { parts: [GATED, SEEN, ASKED] }, says: [`${ASKED.brief}: ${ASKED.waitsFor}`, `${GATED.brief}: ${GATED.waitsFor}`, `${SEEN.brief}: ${SEEN.waitsFor}`], reason: 'what a person is asked about comes first, what is only watched last, whatever their numbers' },
    { row: { parts: [FIXED, ASKED] }, says: [`${ASKED.brief}: ${ASKED.waitsFor}`], reason: 'what has ended is not what has to be done' },
    { row: { parts: [{ ...ASKED, approvals: '1 of 2 of sre (alice); still needed: 1 more of sre (bob)' }] }, says: [`${ASKED.brief}: ${ASKED.waitsFor}; 1 of 2 of sre (alice); still needed: 1 more of sre (bob)`], reason: 'of several who must approve, who is still missing' },
    { row: { parts: [{ part: 1, phase: 'staging', brief: 'etc/app.yaml' }] }, says: ['etc/app.yaml: staging'], reason: 'what is at work says so' },
    { row: { parts: [{ ...GATED, phase: 'staging', blocked: 'stage is tried again (attempt 3)' }] }, says: ['etc/app.yaml /port: stage is tried again (attempt 3)'], reason: 'why it does not get on, before what it would wait for' },
    { row: { parts: [{ part: 2, phase: 'observed', waitsFor: 'nothing\u001b[2J' }] }, says: ['part 2: nothing\\x1b[2J'], reason: 'an older record has no words for the part, and nothing acts on a terminal' },
    { row: { parts: Array.from({ length: 7 }, (_, at): JsonObject => ({ ...SEEN, part: at })) }, says: [...Array.from({ length: 5 }, () => `${SEEN.brief}: ${SEEN.waitsFor}`), '… and 2 more, below'], reason: 'nobody reads seven lines first' },
    { row: { phase: 'closed', outcome: 'rolled-back', closedAt: '2030-01-31T12:00:00.000Z', parts: [FIXED, BACK] }, says: ['etc/done.yaml: fixed: it was repaired', 'etc/bad.yaml: rolled-back: status 503'], reason: 'once it is closed, how each part ended and why' },
    { row: { kind: 'blind', phase: 'observed', parts: [] }, unread: 'the live root is not there', says: ['it cannot be read: the live root is not there', 'nothing is repaired meanwhile; it closes by itself once a check reads it: holdfast check prod/storefront --remote'], reason: 'a blind target has no parts: why, and what moves it' },
    { row: { kind: 'blind', parts: [ASKED] }, says: [`${ASKED.brief}: ${ASKED.waitsFor}`], reason: 'read again and found drifted, it goes on as any other' },
  ])('$reason', ({ row, unread, says }) => {
    expect(leadLines(incident(row), unread)).toEqual(says);
  });

  it('what is to be done is told before the story, except of what was fixed, where nobody has to', () => {
    const narrative = 'It ended.\n\nWhat to do next:\n- Correct the desired state.';
    expect(storyOf({ narrative, outcome: 'rolled-back' })).toEqual({ story: ['It ended.'], next: ['- Correct the desired state.'] });
    expect(storyOf({ narrative, outcome: 'fixed' })).toMatchObject({ story: narrative.split('\n'), next: [] });
    expect(storyOf({})).toEqual({ story: [], next: [] });
  });
});

describe('incident', () => {
  const members = (row: Partial<IncidentRow>) => ({ incident: () => Promise.resolve(incident(row)), entries: () => stream([]), decisions: () => Promise.resolve([]), intents: () => Promise.resolve([]) });

  it('of a target that cannot be read says why, and offers nothing that moves no blind incident', async () => {
    const last = { environment: 'prod', target: 'storefront', verdict: 'unknown' as const, reason: 'the live root is not there', digest: 'd', revision: 'r', changes: 0, since: '2030-01-31T11:00:00Z', at: '2030-01-31T11:00:00Z' };
    const status = { incident: 'prod/storefront#7', phase: 'observed' as const, parts: [] };
    const deps = { ...recorded({ ...members({ kind: 'blind', phase: 'deciding', parts: [] }), lastObservation: () => Promise.resolve(last), report: () => Promise.resolve(undefined) }), ...connected({ incidentStatus: () => Promise.resolve(status) }) };
    const { out } = await cli(['incident', 'prod/storefront'], { deps });
    expect(out).toMatch(/^prod\/storefront#7 {2}observed \(blind\)[\s\S]*Now\n {2}it cannot be read: the live root is not there\n/);
    expect(out.slice(out.indexOf('Commands'))).toBe('Commands\n  holdfast check prod/storefront\n  holdfast check prod/storefront --remote\n');
  });

  it('of one that is read again and found drifted calls nobody blind, nor does status', async () => {
    const again = incident({ kind: 'blind', parts: [ASKED] });
    const drifted = { environment: 'prod', target: 'storefront', verdict: 'drifted' as const, digest: 'd', revision: 'r', changes: 1, since: '2030-01-31T11:00:00Z', at: '2030-01-31T11:59:00Z' };
    const deps = { ...recorded({ ...members({ kind: 'blind', parts: [ASKED] }), targets: () => Promise.resolve([drifted]), incidents: (filter: { open?: boolean }) => Promise.resolve(filter.open === true ? [again] : []), lastObservation: () => Promise.resolve(drifted), report: () => Promise.resolve(undefined) }), ...connected({}) };
    expect((await cli(['incident', 'prod/storefront'], { deps })).out).not.toContain('blind');
    expect((await cli(['status', 'prod'], { deps })).out).not.toContain('cannot be read');
  });

  it('shows a field that came back once, though each repair of it has a plan, and says of each part what it is about', async () => {
    const parts = [{ part: 1, phase: 'closed', outcome: 'fixed', plan: HASH, brief: 'etc/app.yaml /port' }, { part: 2, phase: 'waiting', plan: 'b'.repeat(64), brief: 'etc/app.yaml /port' }];
    const deps = { ...recorded({ ...members({ parts }), plan: (hash) => Promise.resolve(plan({ hash, changes: [change({ resource: 'etc/app.yaml', path: '/port' })] })) }), ...connected({}) };
    const { out } = await cli(['incident', 'prod/storefront'], { deps });
    expect(out.match(/^ +\/port: /gm)).toHaveLength(1);
    expect(out.match(/about: +etc\/app\.yaml \/port/g)).toHaveLength(2);
  });

  it('of what the rules want adopted offers that first', async () => {
    const deps = { ...recorded(members({ phase: 'observed', parts: [{ part: 1, phase: 'observed', decision: 'adopt', plan: HASH }] })), ...connected({}) };
    const { out } = await cli(['incident', 'prod/storefront'], { deps });
    expect(out).toMatch(/Commands\n {2}holdfast adopt prod\/storefront#7 --plan 3f9ac2d10000 --reason WHY\n {2}holdfast approve/);
  });
});

describe('the commands and the timeline of an incident', () => {
  it('of one that a person has to repair begin with what says that it is done', async () => {
    const row = incident({ phase: 'closed', outcome: 'needs-human', closedAt: '2030-01-31T11:30:00.000Z', parts: [{ part: 1, phase: 'closed', outcome: 'needs-human' }] });
    const { out } = await cli(['incident', 'prod/storefront'], { deps: recorded({ incident: () => Promise.resolve(row), entries: () => stream([]) }) });
    expect(out).toMatch(/Commands\n {2}holdfast release prod\/storefront --gate needs-human --reason WHY\n {2}holdfast retry prod\/storefront#7/);
  });

  it('name the plan in the command that breaks the glass, as everywhere else', () => {
    const entry = { seq: 1, at: '2030-01-31T11:00:00.000Z', kind: 'assessed' as const, by: 'holdfast', data: { decision: 'ask', plan: HASH, waits: 'outside; or: holdfast approve prod/storefront --plan HASH --break-glass --reason WHY' }, previous: '', hash: '' };
    expect(entryCells(entry, makeStyle(false)).join(' ')).toContain(`--plan ${HASH.slice(0, 12)} --break-glass`);
  });
});

describe('approve without a plan', () => {
  it('shows what it would change, from what to what', async () => {
    const deps = { ...recorded({ incident: () => Promise.resolve(incident()), plan: () => Promise.resolve(plan({ changes: [change({ resource: 'etc/app.yaml', path: '/port', desired: 1, actual: 9 })] })) }), ...connected({}) };
    expect((await cli(['approve', 'prod/storefront'], { deps })).err).toMatch(/asks about plan[\s\S]*\/port: 1 → 9[\s\S]*Nothing was approved/);
  });
});
