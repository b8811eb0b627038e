import { describe, expect, it } from 'vitest';
import type { Change, Difference } from '../../src/domain/change.js';
import type { AcceptRule } from '../../src/domain/target.js';
import type { Acceptance, Ledger, Settled } from '../../src/ledger/ledger.js';
import { concerns } from '../../src/policy/concerns.js';
import { config } from '../cli/support.js';
import { change, SHOP, target } from '../domain/build.js';

const AT = '2026-11-02T09:00:00.000Z';
const UNTIL = '2026-11-09T09:00:00.000Z';
const PORT = change();

function remembering(acceptances: readonly Acceptance[], settled: readonly Settled[] = []): Pick<Ledger, 'settled' | 'acceptances' | 'sightings' | 'lastObservation' | 'closedGates'> {
  return {
    sightings: () => Promise.resolve([]),
    lastObservation: () => Promise.resolve(undefined),
    closedGates: () => Promise.resolve([]),
    acceptances: () => Promise.resolve(acceptances),
    settled: (_target, changes) => Promise.resolve(settled.filter((row) => changes.some((each) => each.fingerprint === row.fingerprint && each.revision === row.revision))),
  };
}

function accepted(overrides: Partial<Acceptance> = {}): Acceptance {
  return { ...SHOP, resource: PORT.resource, until: UNTIL, by: 'alice', reason: 'load test', at: AT, ...overrides };
}

function settled(overrides: Partial<Settled> = {}): Settled {
  const { fingerprint, revision, resource, path } = PORT;
  return { ...SHOP, fingerprint, revision, resource, path, outcome: 'rejected', incident: 7, at: AT, ...overrides };
}

function rule(overrides: Partial<AcceptRule> = {}): AcceptRule {
  return { resource: 'etc/*.yaml', until: UNTIL, reason: 'move to the new proxy', by: 'alice', ...overrides };
}

interface Given {
  readonly changes?: readonly Change[];
  readonly acceptances?: readonly Acceptance[];
  readonly settled?: readonly Settled[];
  readonly rules?: readonly AcceptRule[];
  readonly fromResources?: boolean;
}

async function ask({ changes = [PORT], acceptances = [], settled: rows = [], rules, fromResources }: Given) {
  const made = config();
  const environments = made.environments.map((each) => (fromResources === undefined ? each : { ...each, acceptFromResources: fromResources }));
  return concerns({ config: { environments }, target: target(rules === undefined ? {} : { accept: rules }), changes, at: AT, ledger: remembering(acceptances, rows) });
}

/** As a provider double reports a resource that carries an annotation: `files` has none. */
function annotated(exception: Difference['exception']): Change {
  return change({ resource: 'Deployment/shop/api', path: '/spec/replicas', ...(exception === undefined ? {} : { exception }) });
}

const NOTE = { until: UNTIL, by: 'alice', reason: 'hotfix', ticket: 'OPS-12' };

describe('what of a look concerns anybody', () => {
  it.each<Given & { reason: string; left: number; why?: RegExp }>([
    { reason: 'nothing is known of it', left: 1 },
    { reason: 'announced before it was made', acceptances: [accepted()], left: 0, why: /^accepted by alice until 2026-11-09T09:00:00\.000Z: load test; end it early with: holdfast accept prod\/storefront --end --resource etc\/app\.yaml --reason WHY$/ },
    { reason: 'announced for its field', acceptances: [accepted({ path: '/port', ticket: 'OPS-12' })], left: 0, why: /\(OPS-12\).* --path \/port / },
    { reason: 'announced for another field', acceptances: [accepted({ path: '/host' })], left: 1 },
    { reason: 'announced for all that lies below it', changes: [change({ path: '/limits/rps' }), change({ path: '/limits' })], acceptances: [accepted({ path: '/limits' })], left: 0 },
    { reason: 'announced for a field whose name only begins so', changes: [change({ path: '/limits2' }), change({ path: '/limit' })], acceptances: [accepted({ path: '/limits' })], left: 2 },
    { reason: 'announced for a field, and what it lies in is another', changes: [change({ path: '/limits' })], acceptances: [accepted({ path: '/limits/rps' })], left: 1 },
    { reason: 'announced for a field, and the file is gone: that is more', changes: [change({ path: '', kind: 'missing', effect: 'create' })], acceptances: [accepted({ path: '/limits' })], left: 1 },
    { reason: 'announced for the resource, and it is gone: that is announced too', changes: [change({ path: '', kind: 'missing', effect: 'create' })], acceptances: [accepted()], left: 0 },
    { reason: 'announced for the owner of a file, and not for its mode', changes: [change({ path: '@owner' }), change({ path: '@mode' })], acceptances: [accepted({ path: '@owner' })], left: 1 },
    { reason: 'two announced, and the one that ends later has its field elsewhere', acceptances: [accepted({ path: '/host', until: '2026-12-01T00:00:00.000Z' }), accepted({ path: '/port', by: 'bob' })], left: 0, why: /^accepted by bob until 2026-11-09/ },
    { reason: 'announced and in the configuration: the one that holds longer is told', acceptances: [accepted()], rules: [rule({ until: '2026-12-01T00:00:00.000Z' })], left: 0, why: /^accepted in the configuration/ },
    { reason: 'given in an incident for one of two siblings', changes: [PORT, change({ path: '/host' })], acceptances: [accepted({ fingerprint: PORT.fingerprint, path: PORT.path, incident: 7 })], left: 1 },
    { reason: 'given in an incident for what lies above: it is of exactly that change', changes: [change({ path: '/limits/rps' })], acceptances: [accepted({ fingerprint: 'v1:limits', path: '/limits', incident: 7 })], left: 1 },
    { reason: 'given in an incident', acceptances: [accepted({ fingerprint: PORT.fingerprint, path: PORT.path, incident: 7 })], left: 0, why: /holdfast accept prod\/storefront#7 --end/ },
    { reason: 'given in an incident, whatever else is desired of the resource now', changes: [change({ revision: 'r2' })], acceptances: [accepted({ fingerprint: PORT.fingerprint, path: PORT.path, incident: 7 })], left: 0 },
    { reason: 'given for another value', acceptances: [accepted({ fingerprint: 'v1:before', path: PORT.path, incident: 7 })], left: 1 },
    { reason: 'rejected, and desired as it was', settled: [settled()], left: 0, why: /^rejected in prod\/storefront#7; ask again with: holdfast retry/ },
    { reason: 'rolled back: it is quarantined, and retry would refuse it', settled: [settled({ outcome: 'rolled-back' })], left: 0, why: /^rolled-back in prod\/storefront#7; ask again with: holdfast release prod\/storefront --gate quarantine --reason WHY/ },
    { reason: 'rejected, and more is desired of the resource now', changes: [change({ revision: 'r2' })], settled: [settled()], left: 1 },
    { reason: 'a settled row of an accepted change is told as the acceptance it is', settled: [settled({ outcome: 'accepted' })], acceptances: [accepted({ fingerprint: PORT.fingerprint, path: PORT.path, incident: 7 })], left: 0, why: /^accepted by alice/ },
    { reason: 'in the configuration, by globs', rules: [rule()], left: 0, why: /^accepted in the configuration by alice.*; end it in accept of the configuration$/ },
    { reason: 'in the configuration, of one field', rules: [rule({ path: '/po*' })], left: 0 },
    { reason: 'in the configuration, of other fields', rules: [rule({ path: '/limits/**' })], left: 1 },
    { reason: 'in the configuration, over', rules: [rule({ until: '2026-11-01T00:00:00.000Z' })], left: 1 },
    { reason: 'written on the resource, where the environment hears it', changes: [annotated(NOTE)], fromResources: true, left: 0, why: /^accepted on the resource by alice.*\(OPS-12\): hotfix; end it on the resource$/ },
    { reason: 'written on the resource, where the environment does not', changes: [annotated(NOTE)], left: 1 },
    { reason: 'written on the resource, where it is turned off', changes: [annotated(NOTE)], fromResources: false, left: 1 },
    { reason: 'written on the resource without a date that can be read', changes: [annotated({ ...NOTE, until: 'for ever' })], fromResources: true, left: 1 },
    { reason: 'written on the resource, over', changes: [annotated({ ...NOTE, until: '2026-11-01' })], fromResources: true, left: 1 },
    { reason: 'one resource says nothing of another', changes: [annotated(NOTE), PORT], fromResources: true, left: 1 },
  ])('leaves $left: $reason', async ({ left, why, ...given }) => {
    const found = await ask(given);
    expect(found.changes).toHaveLength(left);
    expect(found.changes.length + found.quiet.length).toBe((given.changes ?? [PORT]).length);
    if (why !== undefined) expect(found.quiet[0]?.why).toMatch(why);
  });

  it.each<Given & { reason: string; by?: 'date' | 'change' }>([
    { reason: 'the date came', acceptances: [accepted({ until: AT })], by: 'date' },
    { reason: 'the change is another one', acceptances: [accepted({ fingerprint: 'v1:before', path: PORT.path, incident: 7 })], by: 'change' },
    { reason: 'the date in the configuration came', rules: [rule({ until: AT })], by: 'date' },
    { reason: 'the date on the resource came', changes: [annotated({ ...NOTE, until: AT })], fromResources: true, by: 'date' },
    { reason: 'it holds', acceptances: [accepted()] },
    { reason: 'a person rejected it since, and is not asked again', acceptances: [accepted({ until: AT })], settled: [settled()] },
    { reason: 'something else holds', acceptances: [accepted({ until: AT })], rules: [rule()] },
  ])('knows what lapsed: $reason', async ({ by, ...given }) => {
    const { lapsed } = await ask(given);
    expect(lapsed.map(({ judged }) => judged.by)).toEqual(by === undefined ? [] : [by]);
  });

  it('without a record knows what configuration and resources say', async () => {
    const { environments } = config();
    expect((await concerns({ config: { environments }, target: target({ accept: [rule()] }), changes: [PORT], at: AT })).changes).toEqual([]);
  });

  it('asks nobody about nothing', async () => {
    const ledger = { sightings: () => Promise.reject(new Error('not asked')), settled: () => Promise.reject(new Error('asked')), acceptances: () => Promise.reject(new Error('asked')), lastObservation: () => Promise.reject(new Error('asked')), closedGates: () => Promise.reject(new Error('asked')) };
    expect(await concerns({ config: config(), target: target(), changes: [], at: AT, ledger })).toEqual({ changes: [], quiet: [], lapsed: [] });
  });
});
