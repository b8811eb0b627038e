import { describe, expect, it } from 'vitest';
import { causeGroups, causeNamed, wholeParts } from '../../src/cli/causes.js';
import type { DecideInput } from '../../src/client.js';
import type { TargetAddress } from '../../src/domain/address.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { IncidentRow } from '../../src/ledger/ledger.js';
import { cli, config, connected, incident, json, plan, recorded, target, text } from './support.js';

const RPS = 'aaaaaaaa'.padEnd(64, '0');
const LOG = 'bbbbbbbb'.padEnd(64, '0');
const PLANS: Readonly<Record<string, string>> = { dev: 'd1'.repeat(32), staging: 'd2'.repeat(32), prod: 'd3'.repeat(32) };

function cause(overrides: JsonObject = {}): JsonObject {
  return { key: RPS, changes: 1, place: 'etc/app.yaml /limits/rps', change: '100 -> 500', at: '2030-01-31T11:00:00.000Z', ...overrides };
}

function row(environment: string, { causes = [cause()], ...more }: Partial<IncidentRow> & { readonly causes?: readonly JsonObject[] } = {}, part: JsonObject = {}): IncidentRow {
  return incident({ environment, number: 4, parts: [{ part: 1, phase: 'awaiting-approval', decision: 'ask', risk: 'medium', plan: PLANS[environment] ?? '', causes, ...part }], ...more });
}

const THREE = [row('dev'), row('staging'), row('prod')];

describe('what open incidents have in common', () => {
  it.each<{ reason: string; rows: readonly IncidentRow[]; groups: readonly string[] }>([
    { reason: 'the same cause in three environments', rows: THREE, groups: ['aaaaaaaa dev,prod,staging'] },
    { reason: 'two causes in one', rows: [row('dev', { causes: [cause(), cause({ key: LOG })] })], groups: ['aaaaaaaa dev', 'bbbbbbbb dev'] },
    { reason: 'the same hands within ten minutes', rows: [row('dev', { causes: [cause({ by: 'bob' })] }), row('prod', { causes: [cause({ key: LOG, by: 'bob', at: '2030-01-31T11:09:00.000Z' })] })], groups: ['aaaaaaaa dev,prod'] },
    { reason: 'the same hands later', rows: [row('dev', { causes: [cause({ by: 'bob' })] }), row('prod', { causes: [cause({ key: LOG, by: 'bob', at: '2030-01-31T11:11:00.000Z' })] })], groups: ['aaaaaaaa dev', 'bbbbbbbb prod'] },
    { reason: 'a part that ended has no say', rows: [row('dev'), row('prod', {}, { outcome: 'rejected', phase: 'closed' })], groups: ['aaaaaaaa dev'] },
    { reason: 'a row of an older version knows no causes', rows: [incident()], groups: [] },
    { reason: 'what a row should not hold is left out', rows: [row('dev', { causes: [{ changes: 1 }, cause()] })], groups: ['aaaaaaaa dev'] },
    { reason: 'most targets come first', rows: [row('dev', { causes: [cause({ key: LOG, at: '2030-01-01T00:00:00.000Z' }), cause()] }), row('prod')], groups: ['aaaaaaaa dev,prod', 'bbbbbbbb dev'] },
  ])('$reason', ({ rows, groups }) => {
    expect(causeGroups(rows).map((group) => `${group.key.slice(0, 8)} ${group.environments.join(',')}`)).toEqual(groups);
  });

  it.each<{ reason: string; rows: readonly IncidentRow[]; whole: number; mixed: number }>([
    { reason: 'each is wholly of the cause', rows: THREE, whole: 3, mixed: 0 },
    { reason: 'one plan repairs something else too', rows: [row('dev'), row('prod', { causes: [cause(), cause({ key: LOG, changes: 2 })] })], whole: 1, mixed: 1 },
    { reason: 'one plan has more causes than its row names', rows: [row('dev'), row('prod', {}, { moreCauses: 3 })], whole: 1, mixed: 1 },
    { reason: 'two keys of the same hands in one plan are one cause', rows: [row('dev', { causes: [cause({ by: 'bob' }), cause({ key: LOG, by: 'bob' })] })], whole: 1, mixed: 0 },
  ])('is decided together where $reason', ({ rows, whole, mixed }) => {
    const found = wholeParts(causeNamed(causeGroups(rows), 'aaaaaaaa'));
    expect([found.whole.length, found.mixed.length]).toEqual([whole, mixed]);
  });
});

function world(rows: readonly IncidentRow[], seen: (TargetAddress & DecideInput)[] = [], refuses: readonly string[] = []) {
  const deps = recorded({
    incidents: (filter) => Promise.resolve(rows.filter((each) => filter.environment === undefined || each.environment === filter.environment)),
    plan: (hash) => Promise.resolve(plan({ hash })),
  });
  const answers = connected({
    decide: (address, input) => {
      seen.push({ ...address, ...input });
      return Promise.resolve(refuses.includes(address.environment) ? { result: 'stale-plan' as const, message: 'the plan moved' } : { result: 'accepted' as const, message: 'approved' });
    },
  });
  return { ...deps, ...answers };
}

describe('incidents --by-cause', () => {
  it('says in a line what happened where', async () => {
    const ran = await cli(['incidents', '--by-cause'], { deps: world(THREE) });
    expect(ran.code).toBe(0);
    expect(ran.out.split('\n')[1]).toMatch(/^aaaaaaaa0000 +3 +dev,prod,staging +3 +medium +1h +- +etc\/app\.yaml \/limits\/rps 100 -> 500$/);
    expect(ran.err).toContain('holdfast approve --cause aaaaaaaa0000');
  });

  it('prints each place as JSON', async () => {
    const ran = await cli(['incidents', '--by-cause', '-o', 'json'], { deps: world(THREE) });
    expect(json(ran)).toMatchObject({ kind: 'causes', causes: [{ cause: RPS, environments: ['dev', 'prod', 'staging'], parts: [{ plan: PLANS['dev'], change: '100 -> 500', otherChanges: 0 }, {}, {}] }] });
  });

  it('says that there are none', async () => {
    expect(await cli(['incidents', '--by-cause'], { deps: world([incident()]) })).toMatchObject({ code: 0, out: '', err: text('No open incident has a cause') });
  });
});

describe('a decision about a cause', () => {
  it('without --yes shows what each plan would do, decides nothing and waits', async () => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const ran = await cli(['approve', '--cause', 'aaaaaaaa'], { deps: world(THREE, seen) });
    expect(ran.code).toBe(5);
    expect(seen).toEqual([]);
    for (const environment of ['dev', 'staging', 'prod']) expect(ran.out).toContain(`${environment}/storefront#4  plan ${(PLANS[environment] ?? '').slice(0, 12)}`);
    expect(ran.out).toContain('1. write etc/app.yaml as desired');
    expect(ran.err).toMatch(/Nothing was decided\. To approve each of these 3 plans as it stands: holdfast approve --cause [0-9a-f]+ --yes [0-9a-f]{12}\n/);
  });

  it('with --yes decides each incident with the whole hash of its own plan', async () => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const ran = await cli(['approve', '--cause', 'aaaaaaaa', '--yes', '--reason', 'known'], { deps: world(THREE, seen) });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(seen.map(({ environment, decision, plan: hash, by, reason }) => [environment, decision, hash, by, reason])).toEqual(['dev', 'staging', 'prod'].map((environment) => [environment, 'approve', PLANS[environment], 'alice', 'known']));
  });

  it('decides exactly what was listed, or nothing', async () => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const listed = /--yes ([0-9a-f]{12})/.exec((await cli(['approve', '--cause', 'aaaaaaaa'], { deps: world(THREE) })).err)?.[1] ?? '';
    expect(await cli(['approve', '--cause', 'aaaaaaaa', '--yes', listed], { deps: world([row('dev'), row('prod')], seen) })).toMatchObject({ code: 1, err: text('is not what was listed') });
    expect(seen).toEqual([]);
    expect(await cli(['approve', '--cause', 'aaaaaaaa', '--yes', listed], { deps: world(THREE, seen) })).toMatchObject({ code: 0 });
    expect(seen).toHaveLength(3);
  });

  it('leaves alone what has more in its plan than this cause, and says so', async () => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const rows = [row('dev'), row('prod', { causes: [cause(), cause({ key: LOG, changes: 2 })] })];
    const ran = await cli(['approve', '--cause', 'aaaaaaaa', '--yes'], { deps: world(rows, seen) });
    expect(ran.code).toBe(5);
    expect(seen.map((each) => each.environment)).toEqual(['dev']);
    expect(ran.err).toContain('prod/storefront#4 was not decided: its plan has 2 changes of another cause too');
  });

  it.each([
    { decision: 'approve', code: 0, reason: 'it was approved before, as by a command that was cut short' },
    { decision: 'reject', code: 5, reason: 'it goes on, though somebody wants it rejected' },
  ])('what is under way already and $decision: $reason', async ({ decision, code }) => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const rows = [row('dev', {}, { phase: 'staging' }), row('prod')];
    const ran = await cli([decision, '--cause', 'aaaaaaaa', '--yes', '--reason', 'known'], { deps: world(rows, seen) });
    expect(ran).toMatchObject({ code, err: text('dev/storefront#4 was not decided: it is staging') });
    expect(seen.map((each) => each.environment)).toEqual(['prod']);
  });

  it('decides plans that repair several causes, once all of them are named', async () => {
    const rows = ['dev', 'prod'].map((environment) => row(environment, { causes: [cause(), cause({ key: LOG, place: 'etc/app.yaml /host' })] }));
    const seen: (TargetAddress & DecideInput)[] = [];
    const one = await cli(['approve', '--cause', 'aaaaaaaa', '--yes'], { deps: world(rows, seen) });
    expect(one).toMatchObject({ code: 5, err: text('(--cause aaaaaaaa0000,bbbbbbbb0000 names them all)') });
    expect(seen).toEqual([]);
    expect(await cli(['approve', '--cause', 'aaaaaaaa0000,bbbbbbbb0000', '--yes'], { deps: world(rows, seen) })).toMatchObject({ code: 0 });
    expect(seen.map((each) => [each.environment, each.plan])).toEqual([['dev', PLANS['dev']], ['prod', PLANS['prod']]]);
  });

  it('goes on after one that is refused, and ends as the worst', async () => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const ran = await cli(['reject', '--cause', 'aaaaaaaa', '--yes', '--reason', 'no', '-o', 'json'], { deps: world(THREE, seen, ['dev']) });
    expect(ran.code).toBe(1);
    expect(json(ran)).toMatchObject({ kind: 'cause', decided: true, results: [{ incident: 'dev/storefront#4', result: 'stale-plan', exitCode: 1 }, { result: 'accepted', exitCode: 0 }, { result: 'accepted' }], exitCode: 1 });
    expect(seen).toHaveLength(3);
  });

  it('accepts with a date and a ticket, only where it is told to', async () => {
    const seen: (TargetAddress & DecideInput)[] = [];
    expect(await cli(['accept', 'prod', '--cause', 'aaaaaaaa', '--until', '7d', '--ticket', 'OPS-12', '--reason', 'campaign', '--yes'], { deps: world(THREE, seen) })).toMatchObject({ code: 0 });
    expect(seen).toMatchObject([{ environment: 'prod', decision: 'accept', plan: PLANS['prod'], until: '2030-02-07T12:00:00.000Z', ticket: 'OPS-12' }]);
  });

  it.each<{ reason: string; argv: readonly string[]; says: RegExp }>([
    { reason: 'a key too short to tell', argv: ['approve', '--cause', 'aaaa'], says: /not the key of a cause/ },
    { reason: 'a cause that no open incident has', argv: ['approve', '--cause', 'cccccccc'], says: /no open incident has the cause cccccccc[\s\S]*incidents --by-cause/ },
    { reason: 'a plan beside a cause', argv: ['approve', '--cause', 'aaaaaaaa', '--plan', 'd1d1d1d1'], says: /cannot be used with/ },
    { reason: 'neither an incident nor a cause', argv: ['approve'], says: /no incident is named/ },
    { reason: 'a place that is none', argv: ['approve', '../x', '--cause', 'aaaaaaaa'], says: /not an address/ },
    { reason: 'an acceptance of a cause without an end', argv: ['accept', '--cause', 'aaaaaaaa', '--reason', 'x'], says: /--until is missing/ },
    { reason: 'the end of nothing named', argv: ['accept', 'prod/storefront', '--end', '--reason', 'x'], says: /does not say what is to end/ },
    { reason: 'the end of two things', argv: ['accept', 'prod/storefront#7', '--end', '--resource', 'a', '--reason', 'x'], says: /names both/ },
    { reason: 'a ticket of nothing', argv: ['accept', 'prod/storefront', '--until', '7d', '--ticket', ' ', '--reason', 'x'], says: /--ticket is not a ticket/ },
  ])('refuses $reason', async ({ argv, says }) => {
    const seen: (TargetAddress & DecideInput)[] = [];
    const ran = await cli(argv, { deps: world(THREE, seen) });
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(says);
    expect(seen).toEqual([]);
  });
});

describe('accept --list and --end', () => {
  const acceptance = { environment: 'prod', target: 'storefront', resource: 'etc/app.yaml', path: '/limits/rps', until: '2030-02-02T12:00:00.000Z', by: 'alice', reason: 'load test', ticket: 'OPS-12', at: '2030-01-31T11:00:00.000Z' };
  const rules = [{ resource: 'etc/*', until: '2030-03-01T00:00:00.000Z', by: 'bob', reason: 'move' }, { resource: 'old', until: '2030-01-01T00:00:00.000Z', by: 'bob', reason: 'over' }];
  const deps = { ...recorded({ acceptances: () => Promise.resolve([acceptance, { ...acceptance, incident: 7, until: '2030-02-05T12:00:00.000Z' }]) }), loadConfig: () => Promise.resolve(config({ targets: [target('prod', 'storefront', { accept: rules })] })) };

  it('shows what is accepted by name, the next to lapse first', async () => {
    const ran = await cli(['accept', '--list', 'prod'], { deps });
    expect(ran.out.split('\n').slice(1).map((line) => line.trim().split(/ {2,}/))).toMatchObject([
      ['prod/storefront', 'etc/app.yaml', '/limits/rps', 'in 2d', '2030-02-02 12:00:00', 'alice', 'OPS-12', 'announced', 'load test'],
      ['prod/storefront', 'etc/app.yaml', '/limits/rps', 'in 5d', '2030-02-05 12:00:00', 'alice', 'OPS-12', 'prod/storefront#7', 'load test'],
      ['prod/storefront', 'etc/*', '*', 'in 28d 12h', '2030-03-01 00:00:00', 'bob', '-', 'configuration', 'move'],
      [''],
    ]);
    expect(json(await cli(['accept', '--list', '-o', 'json'], { deps }))).toMatchObject({ kind: 'acceptances', acceptances: [{ resource: 'old', lapsed: true }, { lapsed: false }, {}, {}] });
  });

  it('status points at what lapses within a week', async () => {
    const ran = await cli(['status'], { deps: { ...deps, connect: () => Promise.reject(new Error('away')) } });
    expect(ran.out).toContain('Accepted, and soon no more\n  prod/storefront etc/app.yaml /limits/rps: in 2d (2030-02-02 12:00:00), accepted by alice (OPS-12): load test\n');
    expect(ran.out).not.toContain('etc/*');
  });

  it('status points at one cause in many places', async () => {
    const open = recorded({ incidents: (filter) => Promise.resolve(filter.open === true ? THREE : []) });
    const ran = await cli(['status'], { deps: { ...open, connect: () => Promise.reject(new Error('away')) } });
    expect(ran.out).toContain('One cause, many places\n  aaaaaaaa0000  etc/app.yaml /limits/rps 100 -> 500: 3 targets in dev, prod, staging; decide all with: holdfast approve --cause aaaaaaaa0000');
  });

  it.each<{ reason: string; argv: readonly string[]; sent: JsonObject }>([
    { reason: 'a resource', argv: ['prod/storefront', '--end', '--resource', 'etc/app.yaml', '--path', '/limits/rps'], sent: { command: 'accept', end: true, scope: 'prod/storefront', resource: 'etc/app.yaml', path: '/limits/rps', by: 'alice', reason: 'over' } },
    { reason: 'an incident', argv: ['prod/storefront#7', '--end'], sent: { command: 'accept', end: true, scope: 'prod/storefront', incident: 7, by: 'alice', reason: 'over' } },
  ])('ends what was accepted for $reason', async ({ argv, sent }) => {
    const seen: unknown[] = [];
    const answers = connected({ command: (environment, command) => { seen.push([environment, command]); return Promise.resolve({ ok: true, message: '1 acceptance ended' }); } });
    expect(await cli(['accept', ...argv, '--reason', 'over'], { deps: { ...deps, ...answers } })).toMatchObject({ code: 0, out: '1 acceptance ended\n' });
    expect(seen).toEqual([['prod', sent]]);
  });
});
