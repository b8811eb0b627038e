import { describe, expect, it } from 'vitest';
import { compareBusy, ENGINE } from '../../../src/domain/gates/busy.js';
import { askGates } from '../../../src/domain/gates/ask.js';
import type { Busy, GateFacts, GateRow } from '../../../src/domain/gates/facts.js';

const AT = '2026-11-02T09:00:00.000Z';
const UNTIL = '2026-11-02T09:30:00.000Z';
const LATER = '2026-11-02T10:00:00.000Z';
const change = (resource: string) => ({ fingerprint: `v1:${resource}`, revision: 'r1', resource, path: '' });

/** A pipeline said that it works there. */
const PIPELINE: GateRow = { scope: 'prod', gate: 'busy', by: 'ci', reason: 'deploys 4.2', until: UNTIL };
/** A look remembered what the engine is doing. */
const seen = (resource?: string, until?: string): GateRow => ({ scope: 'prod/storefront', gate: 'busy', by: 'files', reason: 'a deployment is under way', path: ENGINE, ...(resource === undefined ? {} : { resource }), ...(until === undefined ? {} : { until }) });

function ask(facts: Partial<GateFacts>, resources: readonly string[] = ['etc/app.yaml'], automatic = true): ReturnType<typeof askGates> {
  return askGates({ at: AT, rows: [], address: 'prod/storefront', ...facts }, { action: 'stage', changes: resources.map(change), automatic });
}

describe('the gate busy', () => {
  it.each<{ facts: Partial<GateFacts>; resources?: readonly string[]; automatic?: boolean; open: boolean; opensAt?: string; reason: string }>([
    { facts: {}, open: true, reason: 'nobody is at work' },
    { facts: { rows: [PIPELINE] }, open: false, opensAt: UNTIL, reason: 'a pipeline works on the environment' },
    { facts: { rows: [PIPELINE] }, automatic: false, open: false, opensAt: UNTIL, reason: 'an approved repair would meet it half-way too' },
    { facts: { rows: [{ ...PIPELINE, scope: 'prod/storefront' }] }, resources: ['etc/motd'], open: false, opensAt: UNTIL, reason: 'a pipeline works on the target, whatever it touches' },
    { facts: { rows: [seen()] }, open: false, reason: 'the engine is at work on the whole target: a check will see it done' },
    { facts: { rows: [seen(undefined, UNTIL)] }, open: false, opensAt: UNTIL, reason: 'and is done by then at the latest' },
    { facts: { rows: [seen('etc/app.yaml')] }, open: false, reason: 'the engine is at work on a file of the repair' },
    { facts: { rows: [seen('etc/motd')] }, open: true, reason: 'the engine is at work on another file: this one is repaired meanwhile' },
    { facts: { rows: [seen('etc/motd')] }, resources: ['etc/app.yaml', 'etc/motd'], open: false, reason: 'a repair of both waits' },
    { facts: { rows: [seen()], engine: [] }, open: true, reason: 'asked at this moment it is done, whatever was remembered' },
    { facts: { rows: [], engine: [{ reason: 'a deployment is under way' }] }, open: false, reason: 'asked at this moment it is at work' },
    { facts: { rows: [], engine: [{ resource: 'etc/motd', reason: 'a lock' }] }, open: true, reason: 'asked at this moment it is at work elsewhere' },
    { facts: { rows: [PIPELINE], engine: [] }, open: false, opensAt: UNTIL, reason: 'an engine that is idle is no word on the pipeline' },
    { facts: { rows: [PIPELINE], engine: [{ reason: 'an upgrade', until: LATER }] }, open: false, opensAt: LATER, reason: 'a pipeline and the engine: both must be done' },
    { facts: { engine: [{ resource: 'etc/app.yaml', reason: 'a copy', until: UNTIL }, { resource: 'etc/motd', reason: 'another', until: LATER }] }, resources: ['etc/app.yaml', 'etc/motd'], open: false, opensAt: LATER, reason: 'two operations: the later end is the end' },
    { facts: { engine: [{ reason: 'an upgrade', until: AT }] }, open: true, reason: 'an operation that is over at the latest now holds nobody: it would be asked about again and again' },
    { facts: { engine: [{ reason: 'an upgrade', until: AT }, { resource: 'etc/app.yaml', reason: 'a copy', until: UNTIL }] }, open: false, opensAt: UNTIL, reason: 'one is over and the other is not' },
    { facts: { rows: [PIPELINE, seen()] }, open: false, reason: 'a pipeline with an end and an engine without one: nobody knows when' },
    { facts: { rows: [{ ...PIPELINE, gate: 'freeze' }] }, open: false, opensAt: UNTIL, reason: 'a freeze is a freeze' },
  ])('$open: $reason', ({ facts, resources, automatic, open, opensAt }) => {
    const answer = ask(facts, resources, automatic);
    expect(answer.allowed).toBe(open);
    if (!answer.allowed) expect(answer.opensAt).toBe(opensAt);
  });

  it('says who is at work, until when, and what moves it', () => {
    expect(ask({ rows: [PIPELINE] })).toEqual({ allowed: false, gate: 'busy', reason: `busy: ci works on prod until ${UNTIL}: deploys 4.2`, opensAt: UNTIL, command: 'holdfast unfreeze prod --reason WHY' });
    expect(ask({ rows: [{ ...PIPELINE, scope: '*' }] })).toMatchObject({ command: 'holdfast unfreeze --all --reason WHY' });
    expect(ask({ rows: [seen('etc/app.yaml')] })).toEqual({ allowed: false, gate: 'busy', reason: 'busy: the engine is at work on etc/app.yaml, until a check finds it done: a deployment is under way', command: 'holdfast schedules trigger prod/storefront' });
    expect(ask({ engine: [{ reason: 'a migration', until: UNTIL }] })).toMatchObject({ reason: `busy: the engine is at work on prod/storefront, until ${UNTIL} at the latest: a migration`, opensAt: UNTIL });
  });
});

describe('compareBusy', () => {
  const now = (resource?: string, until?: string): Busy => ({ reason: 'a deployment is under way', ...(resource === undefined ? {} : { resource }), ...(until === undefined ? {} : { until }) });
  it.each<{ remembered: GateRow[]; busy: Busy[]; begun: number; over: number; reason: string }>([
    { remembered: [], busy: [], begun: 0, over: 0, reason: 'idle, as before' },
    { remembered: [], busy: [now()], begun: 1, over: 0, reason: 'it has begun' },
    { remembered: [seen()], busy: [now()], begun: 0, over: 0, reason: 'still at work: nothing new is recorded' },
    { remembered: [seen()], busy: [], begun: 0, over: 1, reason: 'it is done' },
    { remembered: [seen('a', UNTIL)], busy: [now('a', '2026-11-02T10:00:00.000Z')], begun: 1, over: 0, reason: 'it takes longer: the new end is recorded, and it is not over in between' },
    { remembered: [seen('a')], busy: [now('b')], begun: 1, over: 1, reason: 'another resource now' },
    { remembered: [PIPELINE], busy: [], begun: 0, over: 0, reason: 'what a pipeline said is not over because the engine is idle' },
  ])('$begun begun, $over over: $reason', ({ remembered, busy, begun, over }) => {
    const result = compareBusy(remembered, busy);
    expect([result.begun.length, result.over.length]).toEqual([begun, over]);
  });
});
