import { describe, expect, it } from 'vitest';
import type { Dependencies } from '../../src/activities/deps.js';
import type { Assessment } from '../../src/activities/types.js';
import { rule } from '../policy/rules.js';
import { FIRST, openBench, openIncident, only, RUN, SHOP, type Bench, type BenchOptions } from './bench.js';

const ASKS = { target: { remediation: 'ask' } } as const;
const INCIDENT = 'incident/prod/storefront';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALICE = { by: 'alice', reason: 'load test', ticket: 'OPS-12' };

function commanded(on: Bench, message: Record<string, unknown>) {
  return on.run('command', { environment: 'prod', run: RUN, message: { command: 'accept', scope: 'prod/storefront', ...message } as never }, { workflowType: 'environment', workflowId: 'environment/prod' });
}

/** The drift is there, and somebody accepted it in its incident. */
async function accepted(options: BenchOptions = ASKS, until = '2026-11-03T09:00:00.000Z'): Promise<Bench> {
  const on = await openBench(options);
  const part = await openIncident(on);
  await on.run('close', { incident: FIRST, run: RUN, outcome: 'accepted', malformed: 0, parts: [{ part: 1, outcome: 'accepted', decision: 'ask', plan: part.plan ?? '', reason: 'accepted by alice', by: 'alice', until, given: 'load test', ticket: 'OPS-12' }] });
  on.temporal.runs.delete(INCIDENT);
  on.told.length = 0;
  return on;
}

async function tenChecks(on: Bench): Promise<void> {
  for (let check = 0; check < 10; check += 1) {
    on.later(60_000);
    await on.check();
  }
}

async function second(on: Bench): Promise<Assessment> {
  return on.assess({ incident: { ...SHOP, number: 2 } });
}

async function reject(on: Bench, plan = ''): Promise<void> {
  await on.run('close', { incident: { ...SHOP, number: 2 }, run: RUN, outcome: 'rejected', malformed: 0, parts: [{ part: 1, outcome: 'rejected', decision: 'ask', plan, reason: 'no' }] });
  on.temporal.runs.delete(INCIDENT);
}

describe('what was accepted', () => {
  it('is left alone until its date, and then asked about, with who had accepted it: once', async () => {
    const on = await accepted();
    await tenChecks(on);
    expect((await on.ledger.incidents({})).length).toBe(1);
    expect(on.told).toEqual([]);
    on.later(DAY);
    await on.check();
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 2, phase: 'deciding' });
    const part = only((await second(on)).parts);
    expect(part.reason).toBe('the acceptance by alice until 2026-11-03T09:00:00.000Z (OPS-12) has lapsed: load test; this target asks before every repair');
    expect(on.told.map((notice) => notice.event)).toEqual(['lapsed', 'approval-needed']);
    expect(on.told[1]?.text).toContain('has lapsed: load test');
    await tenChecks(on);
    await reject(on, part.plan);
    expect((await on.ledger.incident(SHOP, 2))?.narrative).toContain('The acceptance by alice until 2026-11-03T09:00:00.000Z (OPS-12) has lapsed: load test.');
    const told = on.told.length;
    await tenChecks(on);
    expect(on.told).toHaveLength(told);
    expect((await on.ledger.incidents({})).length).toBe(2);
    expect((await on.entries('settled')).filter((entry) => entry.data['event'] === 'lapsed')).toMatchObject([{ incident: 2, data: { lapsed: 'date', resource: 'etc/app.yaml', path: '/port', accepted: 'alice', ticket: 'OPS-12' } }]);
    on.later(30 * DAY);
    await on.check();
    expect(only((await on.assess({ incident: { ...SHOP, number: 3 } })).parts).reason).toBe('this target asks before every repair');
  });

  it('of many fields at once is told in one message, and on record for each', async () => {
    const on = await openBench(ASKS);
    const part = await openIncident(on, (each) => { each.write('etc/app.yaml', 'port: 9\nhost: b\n'); });
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'accepted', malformed: 0, parts: [{ part: 1, outcome: 'accepted', decision: 'ask', plan: part.plan ?? '', reason: 'accepted', by: 'alice', until: '2026-11-03T09:00:00.000Z', given: 'load test' }] });
    on.temporal.runs.delete(INCIDENT);
    on.later(DAY);
    await on.check();
    expect(only((await second(on)).parts).reason.split('has lapsed')).toHaveLength(2);
    expect(on.told.filter((notice) => notice.event === 'lapsed').map((notice) => notice.title)).toEqual(['prod/storefront#2: an acceptance has lapsed: etc/app.yaml /host, etc/app.yaml /port']);
    expect((await on.entries('settled')).filter((entry) => entry.data['event'] === 'lapsed')).toHaveLength(2);
  });

  it('lapses when the change is another one, and says so', async () => {
    const on = await accepted();
    on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    await on.check();
    expect(only((await second(on)).parts).reason).toMatch(/^the acceptance by alice .* has lapsed, since the change is another one now: load test; /);
  });

  it.each<{ reason: string; act: (on: Bench) => void }>([
    { reason: 'another file drifts', act: (on) => { on.write('etc/motd', 'hacked\n'); } },
    { reason: 'another field of the file drifts', act: (on) => { on.write('etc/app.yaml', 'port: 9\nhost: b\n'); } },
    { reason: 'more is desired of the same file', act: (on) => { on.desire('etc/app.yaml', 'port: 1\nhost: a\nlevel: info\n'); } },
    { reason: 'something else is desired of another file', act: (on) => { on.desire('etc/motd', 'welcome\n'); } },
  ])('stays accepted though $reason', async ({ act }) => {
    const on = await accepted();
    act(on);
    await on.check();
    const { parts, details } = await second(on);
    const plans = await Promise.all(parts.map((part) => on.ledger.plan(part.plan ?? '')));
    expect(plans.flatMap((plan) => plan?.changes ?? []).filter((each) => each.path === '/port')).toEqual([]);
    expect(parts.every((part) => !part.reason.includes('lapsed'))).toBe(true);
    expect(details).not.toContain('/port');
  });

  it('says nothing when the step that says it runs again after it was cut short', async () => {
    const on = await accepted();
    on.later(DAY);
    await on.check();
    const first = await second(on);
    expect((await second(on)).parts).toEqual(first.parts);
    expect(on.told.filter((notice) => notice.event === 'lapsed')).toHaveLength(1);
    expect((await on.entries('settled')).filter((entry) => entry.data['event'] === 'lapsed')).toHaveLength(1);
  });

  it('is told where nobody is asked, too', async () => {
    const on = await accepted(ASKS);
    on.later(DAY);
    await on.check();
    const observed = { ...on.config, targets: on.config.targets.map((each) => ({ ...each, remediation: 'observe' as const })) };
    const answer = await on.run('assess', { incident: { ...SHOP, number: 2 }, kind: 'drift', run: RUN, ordinal: 1, nextPart: 1, settled: [], parts: [] }, { worker: { config: () => Promise.resolve(observed) } });
    expect(only(answer.parts)).toMatchObject({ decision: 'hold', reason: expect.stringMatching(/has lapsed/) as string });
    expect(only(on.told)).toMatchObject({ event: 'lapsed', subject: 'prod/storefront#2' });
  });

  it('is asked about again once somebody ends it early, and the record says who', async () => {
    const on = await accepted();
    expect(await commanded(on, { end: true, incident: 1, by: 'bob', reason: 'over' })).toMatchObject({ ok: true, message: '1 acceptance of prod/storefront#1 ended: the next check decides about what it sees' });
    expect(await commanded(on, { end: true, incident: 1, by: 'bob', reason: 'over' })).toMatchObject({ ok: false });
    await on.check();
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 2 });
    expect((await on.entries('accepted')).at(-1)).toMatchObject({ by: 'bob', data: { event: 'ended', reason: 'over' } });
  });

  it('is asked about again by a retry of its incident', async () => {
    const on = await accepted();
    expect(await commanded(on, { command: 'retry', incident: 1, by: 'bob', reason: 'look again' })).toMatchObject({ ok: true });
    await on.check();
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 2 });
  });
});

describe('what was announced', () => {
  it('opens nothing and tells nobody when it comes, whatever value it has, until its date', async () => {
    const on = await openBench(ASKS);
    expect(await commanded(on, { resource: 'etc/app.yaml', path: '/port', until: '2026-11-03T09:00:00.000Z', ...ALICE })).toMatchObject({ ok: true });
    for (const port of [9, 10, 11]) {
      on.write('etc/app.yaml', `port: ${port}\nhost: a\n`);
      await tenChecks(on);
    }
    expect(await on.ledger.incidents({})).toEqual([]);
    expect(on.told).toEqual([]);
    on.later(DAY);
    await on.check();
    expect(only((await on.assess()).parts).reason).toMatch(/^the acceptance by alice until .* \(OPS-12\) has lapsed: load test; /);
  });

  it('while its change is asked about already, clears the question and says why', async () => {
    const on = await openBench(ASKS);
    const part = await openIncident(on);
    await commanded(on, { resource: 'etc/app.yaml', until: '2026-11-03T09:00:00.000Z', ...ALICE });
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [{ part: 1, phase: 'awaiting-approval', decision: 'ask', plan: part.plan ?? '', ask: part.ask ?? '' }] });
    expect(again.gone).toEqual([{ part: 1, event: 'cleared', reason: 'its changes are accepted by alice until 2026-11-03T09:00:00.000Z (OPS-12): load test' }]);
  });

  it.each<{ reason: string; message: Record<string, unknown>; says: RegExp }>([
    { reason: 'a date that has passed', message: { resource: 'etc/app.yaml', until: '2026-11-01T00:00:00Z', ...ALICE }, says: /must lie in the future/ },
    { reason: 'the end of what nobody announced', message: { end: true, resource: 'etc/other', by: 'bob', reason: 'over' }, says: /no acceptance of etc\/other in prod\/storefront is on record; list them with: holdfast accept prod\/storefront --list/ },
    { reason: 'a target that is not configured', message: { scope: 'prod/nothing', resource: 'a', until: '2030-01-01T00:00:00Z', ...ALICE }, says: /not in the configuration/ },
  ])('refuses $reason', async ({ message, says }) => {
    const on = await openBench(ASKS);
    const answer = await commanded(on, message);
    expect(answer).toMatchObject({ ok: false, message: expect.stringMatching(says) as string });
  });
});

describe('what was announced by somebody who may not decide about it', () => {
  const PEOPLE = { principals: ['alice', 'zoe'].map((name) => ({ name, keys: [], aliases: [] })), groups: { sre: ['alice'] } };
  const policies = [{ name: 'rules.yaml', tests: [], rules: [rule({ name: 'ports', on: { path: ['/port'] }, decision: 'ask', requires: { any: [{ group: 'sre', count: 1 }] } })] }];
  const WHOLE = { resource: 'etc/app.yaml', until: '2026-11-05T09:00:00.000Z', reason: 'load test' };
  const options = { ...ASKS, people: PEOPLE, policies } satisfies BenchOptions;

  it('does not keep quiet what a rule lets others alone approve, and says so once', async () => {
    const on = await openBench(options);
    await commanded(on, { ...WHOLE, by: 'zoe' });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    expect(await on.ledger.incident(SHOP)).toMatchObject({ number: 1 });
    const because = 'the acceptance by zoe until 2026-11-05T09:00:00.000Z does not hold for this change, since zoe is not among those who decide about it: 1 of sre (rule ports (rules.yaml:ports)): load test';
    expect(only((await on.assess()).parts).reason).toContain(because);
    expect(on.told.filter((notice) => notice.event === 'lapsed').map((notice) => notice.title)).toEqual(['prod/storefront#1: an acceptance does not hold: etc/app.yaml /port']);
    await tenChecks(on);
    expect(on.told.filter((notice) => notice.event === 'lapsed')).toHaveLength(1);
  });

  it('does not clear a question that stands about it', async () => {
    const on = await openBench(options);
    const part = await openIncident(on);
    await commanded(on, { ...WHOLE, by: 'zoe' });
    const again = await on.assess({ ordinal: 2, nextPart: 2, parts: [{ part: 1, phase: 'awaiting-approval', decision: 'ask', plan: part.plan ?? '', ask: part.ask ?? '' }] });
    expect(again.gone).toEqual([]);
  });

  it.each([
    { by: 'alice', live: 'port: 9\nhost: a\n', reason: 'she is one of those who are asked' },
    { by: 'zoe', live: 'port: 1\nhost: b\n', reason: 'no rule says who approves the other fields of the same file' },
  ])('holds where it is by $by: $reason', async ({ by, live }) => {
    const on = await openBench(options);
    await commanded(on, { ...WHOLE, by });
    on.write('etc/app.yaml', live);
    await on.check();
    expect(await on.ledger.incidents({})).toEqual([]);
  });

  it('is passed over for one that holds, though it ends sooner', async () => {
    const on = await openBench(options);
    await commanded(on, { ...WHOLE, by: 'zoe' });
    await commanded(on, { ...WHOLE, path: '/port', until: '2026-11-03T09:00:00.000Z', by: 'alice' });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    expect(await on.ledger.incidents({})).toEqual([]);
  });
});

/** `files` has no annotations: a double says that each resource carries one. */
function annotating(on: Bench, until: string): Partial<Dependencies> {
  const { files } = on.deps.providers;
  if (files === undefined) throw new Error('the bench has files');
  const observe: typeof files.observe = async (...args) => {
    const sight = await files.observe(...args);
    return sight.verdict === 'unknown' ? sight : { ...sight, differences: sight.differences.map((each) => ({ ...each, exception: { until, by: 'alice', reason: 'hotfix', ticket: 'OPS-12' } })) };
  };
  return { providers: { files: { ...files, observe } } };
}

describe('what a resource itself accepts, as a provider double reports it', () => {
  it.each([
    { heard: true, incidents: 0, reason: 'the environment hears it' },
    { heard: false, incidents: 1, reason: 'the environment does not' },
  ])('opens $incidents incidents where $reason', async ({ heard, incidents }) => {
    const on = await openBench({ ...ASKS, environment: { acceptFromResources: heard } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    const worker = annotating(on, '2026-11-03T09:00:00.000Z');
    await on.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { worker, workflowId: 'check/prod', workflowType: 'checkEnvironment' });
    expect(await on.ledger.incidents({})).toHaveLength(incidents);
  });

  it('lapses at the date that it bears', async () => {
    const on = await openBench({ ...ASKS, environment: { acceptFromResources: true } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    const worker = annotating(on, '2026-11-03T09:00:00.000Z');
    on.later(DAY);
    await on.run('observe', { environment: 'prod', targets: ['storefront'], commits: {} }, { worker, workflowId: 'check/prod', workflowType: 'checkEnvironment' });
    const { parts } = await on.run('assess', { incident: FIRST, kind: 'drift', run: RUN, ordinal: 1, nextPart: 1, settled: [], parts: [] }, { worker });
    expect(only(parts).reason).toMatch(/^the acceptance on the resource by alice until 2026-11-03T09:00:00\.000Z \(OPS-12\) has lapsed: hotfix; /);
  });
});

describe('what the configuration accepts', () => {
  it('lapses at its date, and says so in one incident alone while the rule still stands there', async () => {
    const on = await openBench({ target: { remediation: 'ask', accept: [{ resource: 'etc/*', until: '2026-11-03T09:00:00.000Z', by: 'alice', reason: 'move' }] } });
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await tenChecks(on);
    expect(await on.ledger.incidents({})).toEqual([]);
    on.later(DAY);
    await on.check();
    const part = only((await on.assess()).parts);
    expect(part.reason).toMatch(/^the acceptance in the configuration by alice until .* has lapsed: move; /);
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'cleared', malformed: 0, parts: [{ part: 1, outcome: 'cleared', decision: 'ask', plan: part.plan ?? '', reason: 'gone' }] });
    on.temporal.runs.delete(INCIDENT);
    await on.check();
    expect(only((await second(on)).parts).reason).toBe('this target asks before every repair');
  });
});
