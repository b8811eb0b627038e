import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/domain/errors.js';
import type { ClosedGate, Entry, IncidentRow, TargetRow } from '../../src/ledger/ledger.js';
import { change, cli, config, connected, HASH, incident, json, list, observation, plan, recorded, stream, text } from './support.js';

function row(target: string, overrides: Partial<TargetRow> = {}): TargetRow {
  return { environment: 'prod', target, verdict: 'clean', digest: 'd', revision: 'r', changes: 0, since: '2030-01-30T00:00:00Z', at: '2030-01-31T11:58:00.000Z', ...overrides };
}

const FREEZE: ClosedGate = { scope: 'prod', gate: 'freeze', by: 'bob', reason: 'release 4.2', at: '2030-01-31T10:00:00Z', until: '2030-01-31T14:00:00Z' };

describe('status', () => {
  const rows = [row('api'), row('storefront', { verdict: 'drifted', changes: 2 }), { ...row('storefront', { at: '2030-01-31T08:00:00.000Z' }), environment: 'dev' }];
  const members = { targets: () => Promise.resolve(rows), incidents: (filter: { open?: boolean }) => Promise.resolve(filter.open === true ? [incident()] : []), allClosedGates: () => Promise.resolve([FREEZE]) };

  it('shows every target, and first what needs attention', async () => {
    const ran = await cli(['status'], { deps: { ...recorded(members), ...connected({}) } });
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/Needs attention\n {2}! prod\/storefront: prod\/storefront#7 waits for an approval\n {2}! dev\/storefront: its check is overdue/);
    expect(ran.out).toMatch(/prod\/storefront +drifted +2 +2m +prod\/storefront#7 +awaiting-approval \(plan 3f9ac2d10000\): an approval/);
    expect(ran.out).toMatch(/dev\/storefront +clean +- +4h \(overdue\)/);
    expect(ran.out).toContain('freeze of prod by bob until 2030-01-31T14:00:00Z: release 4.2');
    expect(ran.err).toContain('Next: holdfast incident prod/storefront#7');
    const order = ['prod/storefront', 'dev/storefront', 'prod/api'].map((address) => ran.out.lastIndexOf(`\n${address}`));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('says once that a gate is closed, for however many changes', async () => {
    const held = ['/a', '/b'].map((path): ClosedGate => ({ scope: 'prod/api', gate: 'quarantine', by: 'holdfast', reason: 'status 503', at: '2030-01-31T10:00:00Z', resource: 'etc/app.yaml', path }));
    const drifted = [row('api', { verdict: 'drifted', changes: 2 })];
    const found = observation(held.map(({ resource = '', path = '' }) => change({ resource, path, fingerprint: 'f', revision: 'r' })));
    const ran = await cli(['status', 'prod'], { deps: { ...recorded({ ...members, targets: () => Promise.resolve(drifted), report: () => Promise.resolve(found), allClosedGates: () => Promise.resolve(held.map((each) => ({ ...each, fingerprint: 'f', revision: 'r' }))) }), ...connected({}) } });
    expect(ran.out).toMatch(/! prod\/api: quarantine is closed\n/);
  });

  it.each<{ gate: ClosedGate['gate']; now: Partial<TargetRow>; presses: boolean; reason: string }>([
    { gate: 'quarantine', now: {}, presses: false, reason: 'the target is clean: it was put right another way' },
    { gate: 'quarantine', now: { verdict: 'drifted' }, presses: false, reason: 'what drifted since is another change' },
    { gate: 'quarantine', now: { verdict: 'unknown' }, presses: true, reason: 'nobody can tell whether it is still there' },
    { gate: 'flapping', now: {}, presses: false, reason: 'the other writer has stopped' },
    { gate: 'breaker', now: {}, presses: true, reason: 'it holds every repair, and the next one too' },
  ])('a closed $gate presses: $presses, since $reason', async ({ gate, now, presses }) => {
    const closed: ClosedGate = { scope: 'prod/api', gate, by: 'holdfast', reason: 'status 503', at: '2030-01-31T10:00:00Z', resource: 'etc/app.yaml', path: '/port', fingerprint: 'gone', revision: 'r' };
    const deps = { ...recorded({ ...members, targets: () => Promise.resolve([row('api', now)]), report: () => Promise.resolve(observation([change({ resource: 'etc/other' })])), allClosedGates: () => Promise.resolve([closed]) }), ...connected({}) };
    const { out } = await cli(['status', 'prod'], { deps });
    expect(out.includes(`${gate} is closed`)).toBe(presses);
    expect(out).toMatch(new RegExp(`${gate} of prod/api.*${presses ? 'reason WHY' : 'differs now\\)'}\\n`));
  });

  it('of drift without an incident names the command that says why', async () => {
    const ran = await cli(['status', 'prod'], { deps: { ...recorded({ ...members, incidents: () => Promise.resolve([]) }), ...connected({}) } });
    expect(ran.out).toMatch(/prod\/storefront +drifted +2 +2m +- +no incident; why: holdfast plan prod\/storefront/);
  });

  it('says which windows are closed, and when they open', async () => {
    const site = config();
    const window = { kind: 'allow', start: '0 9 1 1 *', durationMs: 3_600_000, timezone: 'UTC', actions: ['finalize'], overrun: false } as const;
    const loadConfig = (): Promise<ReturnType<typeof config>> => Promise.resolve({ ...site, environments: site.environments.map((each) => ({ ...each, windows: each.name === 'prod' ? [window] : [] })) });
    const ran = await cli(['status'], { deps: { ...recorded(members), ...connected({}), loadConfig } });
    expect(ran.out).toMatch(/window of prod by configuration until \d{4}-01-01T09:00:00.000Z: outside the allow window "0 9 1 1 \*" for 1h \(UTC\) of prod; opens \d{4}-01-01T09:00:00.000Z/);
    expect(ran.out, 'no command opens a window, and release refuses it').not.toContain('--gate window');
    expect((await cli(['status', 'dev'], { deps: { ...recorded(members), ...connected({}), loadConfig } })).out).not.toContain('window of prod');
  });

  describe('of ten thousand targets', () => {
    const [one] = config().targets;
    const many = Array.from({ length: 10_000 }, (_, index) => `t-${String(index).padStart(5, '0')}`);
    const whole = { ...config(), targets: many.map((target) => ({ ...one, environment: 'prod', target })) } as ReturnType<typeof config>;
    const found = many.slice(0, 9_999).map((target, index) => row(target, index === 7_000 ? { verdict: 'unknown', reason: 'no answer within 60000 ms' } : {}));
    const deps = { ...recorded({ ...members, targets: () => Promise.resolve(found), incidents: () => Promise.resolve([]) }), ...connected({}), loadConfig: () => Promise.resolve(whole as never) };

    it('begins with counts, shows fifty with what needs attention first, and says how to see the rest', async () => {
      const ran = await cli(['status'], { deps });
      expect(ran.out).toMatch(/^10000 targets: 9998 clean, 1 unknown, 1 never looked at; 1 needs attention\n/);
      expect(ran.out).toMatch(/TARGET.*\nprod\/t-07000 +unknown/);
      expect(ran.out.split('\n').filter((line) => line.startsWith('prod/t-'))).toHaveLength(50);
      expect(ran.err).toContain('… and 9950 more; every one with: holdfast status --all');
      expect((await cli(['status', '--all'], { deps })).out.split('\n').filter((line) => line.startsWith('prod/t-'))).toHaveLength(10_000);
    });

    it('shows those that were last found so', async () => {
      const ran = await cli(['status', '--verdict', 'unknown'], { deps });
      expect(ran.out.split('\n').filter((line) => line.startsWith('prod/t-'))).toEqual([expect.stringContaining('prod/t-07000')]);
    });
  });

  it('says what is away and shows the rest', async () => {
    const away = { connect: () => Promise.reject(new HoldfastError('Unreachable', 'nothing answers')) };
    const ran = await cli(['status'], { deps: away });
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('Temporal is not reachable, so nothing is checked or repaired now: nothing answers');
    expect(ran.err).toContain('There is no record yet');
    expect(ran.out).toMatch(/prod\/api +never/);
  });

  it('says what is first seen, and lists it alone', async () => {
    const parts = [{ part: 1, phase: 'awaiting-approval', decision: 'ask', plan: HASH, rules: ['remediation: ask', 'first-seen'] }];
    const first = { ...members, incidents: () => Promise.resolve([incident({ parts }), incident({ target: 'api', number: 3 })]) };
    expect((await cli(['status'], { deps: { ...recorded(first), ...connected({}) } })).out).toMatch(/prod\/storefront#7 +awaiting-approval \(plan 3f9ac2d10000\), first seen/);
    const listed = await cli(['incidents', '--first-seen'], { deps: recorded(first) });
    expect(listed.out).toContain('prod/storefront#7');
    expect(listed.out).not.toContain('prod/api#3');
  });

  it('a class that went a step back is shown with what releases it, and presses for no target', async () => {
    const step: ClosedGate = { scope: 'prod', gate: 'step-back', by: 'holdfast', at: '2030-01-31T10:00:00Z', resource: 'configuration', reason: 'the automatic repair of prod/storefront#7 was rolled back: status 503' };
    const ran = await cli(['status'], { deps: { ...recorded({ ...members, allClosedGates: () => Promise.resolve([step]) }), ...connected({}) } });
    expect(ran.out).toContain('step-back of prod for configuration by holdfast: the automatic repair of prod/storefront#7 was rolled back: status 503; holdfast release prod --gate step-back --reason WHY');
    expect(ran.out).not.toContain('step-back is closed');
  });

  it('names the command that opens a gate as it is typed where it must be signed', async () => {
    const site = config();
    const loadConfig = (): Promise<ReturnType<typeof config>> => Promise.resolve({ ...site, environments: site.environments.map((each) => (each.name === 'prod' ? { ...each, approvals: { ...each.approvals, trust: 'signed' as const } } : each)) });
    const ran = await cli(['status', 'prod'], { deps: { ...recorded(members), ...connected({}), loadConfig } });
    expect(ran.out).toContain('release 4.2; holdfast unfreeze prod --reason WHY --key ~/.ssh/id_ed25519');
  });

  it('names a pool that nobody works for', async () => {
    const ran = await cli(['status', 'prod'], { deps: { ...recorded(members), ...connected({ pollers: (queues) => Promise.resolve(Object.fromEntries(queues.map((queue) => [queue, 0]))) }) } });
    expect(ran.err).toContain('No worker reads pool prod; start one with: holdfast worker --pool prod');
  });

  it('takes the phase from the running incident where the record is behind', async () => {
    const status = { incident: 'prod/storefront#7', phase: 'soaking' as const, parts: [{ part: 1, phase: 'soaking' as const, decision: 'ask', risk: 'low', changes: 1, waitsFor: 'the end of the soak' }] };
    const ran = await cli(['status', 'prod'], { deps: { ...recorded(members), ...connected({ incidentStatus: () => Promise.resolve(status) }) } });
    expect(ran.out).toContain('soaking: the end of the soak');
  });

  it('is one JSON value', async () => {
    const ran = await cli(['status', 'prod', '-o', 'json'], { deps: { ...recorded(members), ...connected({}) } });
    expect(json(ran)).toMatchObject({ version: 1, kind: 'status', degraded: [], gates: [FREEZE], targets: [{ address: 'prod/storefront', incident: { id: 'prod/storefront#7', plan: HASH }, gates: [FREEZE] }, { address: 'prod/api' }] });
  });

  const STAGING = { incidents: (filter: { open?: boolean }) => Promise.resolve(filter.open === true ? [incident({ phase: 'staging', parts: [{ part: 1, phase: 'staging', decision: 'ask', plan: HASH }] })] : []) };
  it.each([
    { reason: 'a worker may not write', step: { step: 'stage', attempt: 3, waiting: false, failure: 'HOLDFAST_READ_ONLY is set on this worker: no external write is made; unset it and restart the worker; the step waits' }, said: 'stage is tried again (attempt 3): HOLDFAST_READ_ONLY is set on this worker' },
    { reason: 'no worker serves the pool', step: { step: 'finalize', attempt: 1, waiting: true, since: '2030-01-31T11:00:00.000Z' }, said: 'finalize waits for a worker since 2030-01-31 11:00' },
  ])('says why a repair does not get on, with the remedy: $reason', async ({ step, said }) => {
    const deps = { ...recorded({ ...members, ...STAGING }), ...connected({ pendingSteps: () => Promise.resolve([step]) }) };
    expect((await cli(['status', 'prod'], { deps })).out).toContain(`prod/storefront#7 does not get on: ${said}`);
    expect((await cli(['doctor', '--only', 'repairs'], { deps })).out).toContain(`warn  repairs: prod/storefront#7: ${said}`);
  });

  it('says nothing of a step that is simply at work', async () => {
    const deps = { ...recorded({ ...members, ...STAGING }), ...connected({ pendingSteps: () => Promise.resolve([{ step: 'stage', attempt: 1, waiting: false, since: '2030-01-31T11:59:00.000Z' }]) }) };
    expect((await cli(['status', 'prod'], { deps })).out).not.toContain('does not get on');
  });

  it('says which sink is down, what waits for it and since when, and doctor how to try it', async () => {
    const waits = (id: string, at: string, error?: string) => ({ id, sink: 'ops', event: 'fixed', subject: 'prod/api', at, body: {}, attempts: error === undefined ? 0 : 2, nextAt: at, ...(error === undefined ? {} : { error }) });
    const outbox = () => Promise.resolve([waits('a', '2030-01-31T11:10:00.000Z', 'sink ops: status 503'), waits('b', '2030-01-31T11:05:00.000Z', 'sink ops: status 503'), waits('c', '2030-01-31T11:00:00.000Z')]);
    const deps = { ...recorded({ ...members, outbox }), ...connected({}) };
    const said = '2 messages wait for sink ops since 2030-01-31 11:05';
    expect((await cli(['status', 'prod'], { deps })).err).toContain(said);
    expect((await cli(['doctor', '--only', 'messages'], { deps })).out).toMatch(new RegExp(`warn  messages: ${said}.*503\n +.*holdfast notify test ops`));
  });

  it('an incident that ended needs-human is shown no more once what it was about drifts no more, or a later one about the same ended otherwise', async () => {
    const ended = incident({ target: 'api', phase: 'closed', outcome: 'needs-human', closedAt: '2030-01-31T11:30:00Z', parts: [{ part: 1, phase: 'closed', outcome: 'needs-human', plan: HASH }] });
    const later = { ...ended, number: 8, outcome: 'rejected' as const, closedAt: '2030-01-31T11:40:00Z' };
    const drifted = row('api', { verdict: 'drifted', changes: 1, at: '2030-01-31T11:50:00.000Z' });
    const shown = async (rows: IncidentRow[], changes: readonly object[]): Promise<boolean> => {
      const incidents = (filter: { open?: boolean; outcome?: string }) => Promise.resolve(filter.open === true ? [] : rows.filter((each) => filter.outcome === undefined || each.outcome === filter.outcome));
      const deps = recorded({ ...members, incidents, targets: () => Promise.resolve([drifted]), lastObservation: () => Promise.resolve(drifted), report: () => Promise.resolve({ changes } as never) });
      return (await cli(['status', 'prod'], { deps: { ...deps, ...connected({}) } })).out.includes('prod/api#7 needs a human');
    };
    const same = plan().changes;
    expect(await shown([ended], same)).toBe(true);
    expect(await shown([ended], [{ resource: 'another', path: '' }])).toBe(false);
    expect(await shown([later, ended], same)).toBe(false);
    expect(await shown([{ ...later, outcome: 'terminated' }, ended], same)).toBe(true);
  });

  it('keeps showing an incident that ended needs-human until the target is seen clean', async () => {
    const ended = incident({ target: 'api', phase: 'closed', outcome: 'needs-human', closedAt: '2030-01-31T11:30:00Z' });
    const incidents = (filter: { open?: boolean }) => Promise.resolve(filter.open === true ? [] : [ended]);
    const before = recorded({ ...members, incidents, targets: () => Promise.resolve([row('api', { verdict: 'drifted', changes: 1 })]) });
    expect((await cli(['status', 'prod'], { deps: { ...before, ...connected({}) } })).out).toContain('prod/api#7 needs a human');
    const after = recorded({ ...members, incidents, targets: () => Promise.resolve([row('api')]) });
    expect((await cli(['status', 'prod'], { deps: { ...after, ...connected({}) } })).out).not.toContain('needs a human');
  });
});

describe('incidents', () => {
  it('passes its filters on and lists what it gets', async () => {
    const seen: unknown[] = [];
    const deps = recorded({ incidents: (filter) => { seen.push(filter); return Promise.resolve([incident({ outcome: 'rolled-back', closedAt: '2030-01-31T11:30:00Z', phase: 'closed' })]); } });
    const ran = await cli(['incidents', 'prod/storefront', '--outcome', 'rolled-back', '--since', '7d', '--limit', '3'], { deps });
    expect(seen).toEqual([{ environment: 'prod', target: 'storefront', open: false, outcome: 'rolled-back', since: '2030-01-24T12:00:00.000Z', limit: 3 }]);
    expect(ran.out).toMatch(/prod\/storefront#7 +rolled-back +drift +low +1h +30m/);
  });

  it('says that there are none, with nothing on standard output', async () => {
    expect(await cli(['incidents'], { deps: recorded({}) })).toEqual({ code: 0, out: '', err: 'There are none.\n' });
  });
});

describe('incident', () => {
  const entries: readonly Entry[] = [
    { seq: 1, at: '2030-01-31T11:00:00.000Z', kind: 'opened', by: 'holdfast', data: { changes: 1 }, previous: '0', hash: '1' },
    { seq: 2, at: '2030-01-31T11:00:05.000Z', kind: 'validated', data: { of: 'the staged release', verdict: 'unhealthy', checks: [{ name: 'http', verdict: 'unhealthy', message: 'status 503\u001b[2J' }] }, previous: '1', hash: '2' },
  ];
  const deps = recorded({
    incident: () => Promise.resolve(incident({ narrative: 'It drifted.\nIt was asked about.' })),
    entries: () => stream(entries),
    decisions: () => Promise.resolve([{ environment: 'prod', target: 'storefront', number: 7, ask: 'a', decision: 'approve', plan: HASH, by: 'bob', verified: false, at: '2030-01-31T11:30:00Z', run: 'r', message: 'm' }]),
    intents: () => Promise.resolve([{ environment: 'prod', target: 'storefront', number: 7, key: 'k', step: 'prod/storefront#7/1.1/finalize', write: 'switch', plan: HASH, fence: 1, at: '2030-01-31T11:31:00Z', attempts: 1 }]),
  });

  it('where several parts ask, says above the commands of each which one they answer; not in JSON, where each is a command', async () => {
    const other = 'b'.repeat(64);
    const asking = (part: number, plan: string, brief: string) => ({ part, phase: 'awaiting-approval', decision: 'ask', ask: `q${part}`, plan, brief });
    const of = (...parts: readonly ReturnType<typeof asking>[]) => ({ ...recorded({ incident: () => Promise.resolve(incident({ parts })) }), ...connected({}) });
    const two = of(asking(1, HASH, 'etc/motd'), asking(2, other, 'etc/app.yaml /port'));
    expect((await cli(['incident', 'prod/storefront#7'], { deps: two })).out).toMatch(/# part 1: etc\/motd\n.*--plan 3f9ac2d1[\s\S]*# part 2: etc\/app\.yaml \/port\n.*--plan bbbb/);
    expect((await cli(['incident', 'prod/storefront#7'], { deps: of(asking(1, HASH, 'etc/motd')) })).out).not.toContain('# part');
    expect(json(await cli(['incident', 'prod/storefront#7', '-o', 'json'], { deps: two }))['commands']).toHaveLength(8);
  });

  it('of a held part says no line that somebody was asked, and lists parts by their number', async () => {
    const at = '2030-01-31T11:00:00.000Z';
    const entries = (decision: string): readonly Entry[] => [
      { seq: 1, previous: '', hash: '', at, kind: 'assessed', by: 'holdfast', environment: 'prod', target: 'storefront', incident: 7, data: { decision, plan: HASH } },
      { seq: 2, previous: '', hash: '', at, kind: 'asked', by: 'holdfast', environment: 'prod', target: 'storefront', incident: 7, data: { kind: 'person', plan: HASH } },
    ] as unknown as readonly Entry[];
    const parts = [{ part: 2, phase: 'closed', outcome: 'fixed', decision: 'remediate' }, { part: 1, phase: 'observed', decision: 'hold', plan: HASH }];
    const shown = async (decision: string): Promise<string> => (await cli(['incident', 'prod/storefront#7'], { deps: { ...recorded({ incident: () => Promise.resolve(incident({ parts })), entries: () => stream(entries(decision)) }), ...connected({}) } })).out;
    expect(await shown('hold')).not.toContain('a person is asked about');
    expect(await shown('ask')).toContain('a person is asked about');
    expect(await shown('hold')).toMatch(/1\. observed[\s\S]*2\. fixed/);
  });

  it('says why it was decided so, what would be done, and its risk with its parts, also while the workflow says the rest', async () => {
    const recordedPart = { part: 1, phase: 'observed', decision: 'hold', risk: 'low', because: 'this target is only observed', rules: ['remediation: observe'], would: 'remediate', riskOf: '7.5 = configuration 6 × 1 resource 1', trials: ['ports (rules.yaml:4) would say hold of 1 change: on\u001b[2J trial'], classes: { configuration: 1 } };
    const watched = recorded({ incident: () => Promise.resolve(incident({ parts: [recordedPart] })), entries: () => stream(entries), decisions: () => Promise.resolve([]), intents: () => Promise.resolve([]), lastObservation: () => Promise.resolve(undefined) });
    const status = { incident: 'prod/storefront#7', phase: 'observed' as const, parts: [{ part: 1, phase: 'observed' as const, decision: 'hold', risk: 'low', changes: 1, waitsFor: 'nothing: it is observed' }] };
    const ran = await cli(['incident', 'prod/storefront'], { deps: { ...watched, ...connected({ incidentStatus: () => Promise.resolve(status) }) } });
    for (const text of ['decided:  this target is only observed (remediation: observe)', 'would:    be repaired without a person', 'risk:     low, 7.5 = configuration 6 × 1 resource 1', 'on trial: ports (rules.yaml:4) would say hold of 1 change: on\\x1b[2J trial', 'waits:    nothing: it is observed']) expect(ran.out).toContain(text);
  });

  it('tells the whole story, with the commands to paste', async () => {
    const ran = await cli(['incident', 'prod/storefront'], { deps: { ...deps, ...connected({}) } });
    expect(ran.code).toBe(0);
    for (const text of [
      'prod/storefront#7  awaiting-approval', '/server/port: 9103 → 9999', '1. write etc/app.yaml as desired', 'approve by bob (unverified), plan 3f9ac2d10000', 'http: unhealthy, status 503\\x1b[2J',
      'switch  not known to have ended', 'It was asked about.', 'holdfast approve prod/storefront#7 --plan 3f9ac2d10000', 'holdfast reject prod/storefront#7',
    ]) expect(ran.out).toContain(text);
    expect(ran.out).not.toContain('\u001b');
  });

  it('is one JSON value', async () => {
    const ran = await cli(['incident', 'prod/storefront#7', '-o', 'json'], { deps: { ...deps, ...connected({}) } });
    expect(json(ran)).toMatchObject({ version: 1, kind: 'incident', id: 'prod/storefront#7', incident: { phase: 'awaiting-approval', kind: 'drift' }, plans: [{ hash: HASH }], entries: [{ seq: 1 }, { seq: 2 }], commands: [text('approve'), text('reject'), text('adopt'), text('accept')] });
  });

  it('shows the drift that was last seen where nothing was planned', async () => {
    const observed = recorded({
      incident: () => Promise.resolve(incident({ phase: 'observed', parts: [] })),
      lastObservation: () => Promise.resolve(row('storefront')),
      report: () => Promise.resolve(observation([change({ resource: 'etc/seen' })])),
    });
    expect((await cli(['incident', 'prod/storefront'], { deps: { ...observed, ...connected({}) } })).out).toContain('etc/seen');
  });
});

describe('changes', () => {
  it('puts writes and first sights in the order of time', async () => {
    const deps = recorded({
      intents: () => Promise.resolve([{ environment: 'prod', target: 'storefront', number: 7, key: 'k', step: 's', write: 'switch', resource: 'current', plan: HASH, fence: 1, at: '2030-01-31T11:31:00Z', attempts: 1, closedAt: '2030-01-31T11:31:01Z', ok: true }]),
      entries: () => stream<Entry>([{ seq: 1, at: '2030-01-31T11:00:00Z', kind: 'drift', environment: 'prod', target: 'storefront', data: { changes: 2 }, previous: '', hash: '' }]),
    });
    const ran = await cli(['changes', 'prod', '--since', '2h'], { deps });
    expect(ran.out).toMatch(/11:00:00 +drift +prod\/storefront +- +2 changes\n.*11:31:00 +write +prod\/storefront#7 +current +switch: done/);
  });
});

describe('audit', () => {
  const entry: Entry = { seq: 1, at: '2030-01-31T11:00:00Z', kind: 'opened', by: '=cmd()', data: { b: 1, a: 2 }, previous: '0', hash: 'h' };

  it('exports the record line by line', async () => {
    const ran = await cli(['audit', 'export'], { deps: recorded({ entries: () => stream([entry]) }) });
    expect(json(ran)).toEqual(entry);
    const csv = await cli(['audit', 'export', '--format', 'csv'], { deps: recorded({ entries: () => stream([entry]) }) });
    expect(csv.out).toContain(`"'=cmd()"`);
  });

  it('verifies, and names the first bad entry', async () => {
    expect(await cli(['audit', 'verify'], { deps: recorded({ verify: () => Promise.resolve({ ok: true, entries: 9, head: HASH, checkpoints: 2 }) }) })).toMatchObject({ code: 0, out: 'The record verifies: 9 entries, 2 signed checkpoints, head 3f9ac2d10000.\n' });
    const bad = recorded({ verify: () => Promise.resolve({ ok: false, seq: 5, problem: 'changed', detail: 'its hash does not match' }) });
    expect(await cli(['audit', 'verify'], { deps: bad })).toMatchObject({ code: 1, out: '', err: text('entry 5 is the first bad one (changed): its hash does not match') });
    expect(json(await cli(['audit', 'verify', '-o', 'json'], { deps: bad }))).toMatchObject({ kind: 'audit-verify', ok: false, seq: 5, exitCode: 1 });
  });
});

describe('schedules', () => {
  const listed = [{ environment: 'prod', cron: ['*/15 * * * *'], timezone: 'Europe/London', paused: true, note: 'paused by bob', lastAt: '2030-01-31T11:45:00Z' }];

  it('are listed with what they are doing', async () => {
    const ran = await cli(['schedules'], { deps: connected({ schedules: () => Promise.resolve(listed) }) });
    expect(ran.out).toMatch(/prod +\*\/15 \* \* \* \* +Europe\/London +paused +15m +- +paused by bob/);
  });

  it('are paused with a name and a reason', async () => {
    const notes: string[] = [];
    const ran = await cli(['schedules', 'pause', 'prod', '--reason', 'maintenance'], { deps: connected({ pauseSchedule: (environment, note) => { notes.push(`${environment}: ${note}`); return Promise.resolve(); } }) });
    expect(notes).toEqual(['prod: paused by alice: maintenance']);
    expect(ran).toMatchObject({ code: 0, out: text('holdfast schedules resume prod') });
  });

  it('are made those of the configuration', async () => {
    const ran = await cli(['schedules', 'sync'], { deps: connected({ syncSchedules: (wanted) => Promise.resolve({ created: wanted.map((each) => each.environment), updated: [], removed: ['old'] }) }) });
    expect(ran.out).toBe('created dev, prod; removed old\n');
  });
});

describe('notify test', () => {
  const sinks = [{ name: 'hook', type: 'command' as const, command: ['true'], timeoutMs: 1 }, { name: 'pager', type: 'command' as const, command: ['true'], timeoutMs: 1 }];
  const loadConfig = () => Promise.resolve(config({ notifications: { sinks, routes: [] } }));

  it('sends through every sink and fails when one did not take it', async () => {
    const ran = await cli(['notify', 'test'], { deps: { loadConfig, notifyTest: (_config, sink) => (sink === 'hook' ? Promise.resolve() : Promise.reject(new Error('status 500'))) } });
    expect(ran).toEqual({ code: 1, out: 'ok  hook\nfail  pager: status 500\n', err: '' });
    expect(await cli(['notify', 'test', 'hook'], { deps: { loadConfig, notifyTest: () => Promise.resolve() } })).toMatchObject({ code: 0, out: 'ok  hook\n' });
  });
});

describe('config', () => {
  it('validate counts, and says warnings aside', async () => {
    const ran = await cli(['config', 'validate'], { deps: { loadConfig: () => Promise.resolve(config({ warnings: [{ where: 'prod', message: 'windows are not enforced yet' }] })) } });
    expect(ran).toEqual({ code: 0, out: '/site/holdfast.yaml is valid: 2 environments, 3 targets.\n', err: 'warning: prod: windows are not enforced yet\n' });
  });

  it('print names the file and line of every value', async () => {
    const explain = () => Promise.resolve([{ path: 'soak', value: '30m', file: '/site/holdfast.yaml', line: 12 }, { path: 'settle', value: '0s', file: 'default', line: 0 }]);
    expect((await cli(['config', 'print', 'prod/api'], { deps: { explain } })).out).toMatch(/soak +"30m" +holdfast\.yaml:12\nsettle +"0s" +default/);
  });
});

describe('doctor', () => {
  const well = {
    ...recorded({ verify: () => Promise.resolve({ ok: true as const, entries: 3, head: HASH, checkpoints: 1 }) }),
    ...connected({}),
    searchAttributes: ({ register }: { register: boolean }) => Promise.resolve({ missing: [], registered: register ? ['HoldfastPhase'] : [] }),
    clockBehind: () => Promise.resolve(0),
    tryArtifacts: () => Promise.resolve(),
    trySource: () => Promise.resolve(),
  };

  it('says that all is well', async () => {
    const ran = await cli(['doctor'], { deps: well });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out.trim().split('\n').every((line) => line.startsWith('ok '))).toBe(true);
    expect((await cli(['doctor', '--fix'], { deps: well })).out).toContain('registered now: HoldfastPhase');
  });

  it('goes on after each failure, gives the remedy, and fails', async () => {
    const sick = {
      ...well,
      loadConfig: () => Promise.resolve(config({ notifications: { sinks: [{ name: 'hook', type: 'webhook', url: 'https://example.com', secret: '${env:HOOK}', allowPrivate: false, timeoutMs: 1 }], routes: [] } })),
      ...recorded({ verify: () => Promise.resolve({ ok: false as const, seq: 2, problem: 'removed' as const, detail: 'a gap' }) }),
      ...connected({ pollers: (queues) => Promise.resolve(Object.fromEntries(queues.map((queue) => [queue, queue === 'holdfast' ? 1 : 0]))) }),
      searchAttributes: () => Promise.resolve({ missing: ['HoldfastPhase'], registered: [] }),
      clockBehind: () => Promise.resolve(120_000),
      trySecret: () => Promise.reject(new HoldfastError('Invalid', 'the secret ${env:HOOK} is not set', { remedy: 'set HOOK' })),
      trySource: () => Promise.reject(new HoldfastError('Unreachable', 'the folder is gone')),
    };
    const ran = await cli(['doctor', '-o', 'json'], { deps: sick });
    expect(ran.code).toBe(1);
    const found = list(ran, 'checks').filter((each) => each['result'] !== 'ok').map((each) => `${String(each['result'])} ${String(each['check'])}`);
    expect(found).toEqual(['fail secrets', 'fail source of dev/storefront', 'fail source of prod/api', 'fail source of prod/storefront', 'fail record', 'fail search attributes', 'fail workers', 'warn clock']);
    expect((await cli(['doctor'], { deps: sick })).out).toContain('fail  secrets: the secret ${env:HOOK} is not set\n      set HOOK');
  });

  it('looks only at what is asked for, so that a process is not blamed for what it must not hold', async () => {
    const looks: string[] = [];
    const deps = { ...well, trySource: () => { looks.push('source'); return Promise.resolve(); }, tryArtifacts: () => { looks.push('artifacts'); return Promise.resolve(); } };
    const ran = await cli(['doctor', '--fix', '--only', 'record', 'search-attributes'], { deps });
    expect(ran.out.trim().split('\n').map((line) => line.split(':', 1)[0])).toEqual(['ok    record', 'ok    search attributes']);
    expect(looks).toEqual([]);
    expect(await cli(['doctor', '--only', 'everything'], { deps })).toMatchObject({ code: 1, err: text('search-attributes') });
  });

  it('looks at Temporal even when the configuration is broken', async () => {
    const ran = await cli(['doctor'], { deps: { ...well, loadConfig: () => Promise.reject(new HoldfastError('Invalid', 'line 3 is wrong', { remedy: 'correct it' })) } });
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('fail  configuration: line 3 is wrong\n      correct it');
    expect(ran.out).toContain('ok    temporal: 127.0.0.1:7233');
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('for %s knows commands and their options, and asks for addresses', async (shell) => {
    const ran = await cli(['completion', shell]);
    expect(ran.code).toBe(0);
    for (const word of ['rollback', 'drift-exit-code', 'holdfast completion --targets']) expect(ran.out).toContain(word);
  });

  it('prints addresses, and nothing where there is no configuration', async () => {
    expect((await cli(['completion', '--targets'])).out).toBe('dev\nprod\ndev/storefront\nprod/api\nprod/storefront\n');
    expect(await cli(['completion', '--targets'], { deps: { loadConfig: () => Promise.reject(new Error('none')) } })).toEqual({ code: 0, out: '', err: '' });
  });
});

describe('up and worker', () => {
  it('say where everything is and what to try, and end cleanly on the first Ctrl-C', async () => {
    const controller = new AbortController();
    let ended: () => void = () => undefined;
    const run = new Promise<void>((resolve) => { ended = resolve; });
    const up = () => {
      setImmediate(() => { controller.abort('SIGINT'); });
      return Promise.resolve({ temporal: '127.0.0.1:7233', ui: 'http://127.0.0.1:8233', queues: ['holdfast'], run, shutdown: ended });
    };
    const ran = await cli(['up'], { deps: { up }, io: { signal: controller.signal } });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('Temporal UI   http://127.0.0.1:8233');
    expect(ran.out).toContain('Next, in another terminal: holdfast status --config /site/holdfast.yaml');
    expect(ran.err).toContain('Ctrl-C again ends at once');
  });

  it('run what was asked for', async () => {
    const seen: unknown[] = [];
    const startWorkers = (request: { pools: readonly string[]; access: string; control: boolean }) => {
      seen.push([request.pools, request.access, request.control]);
      return Promise.resolve({ queues: ['holdfast-prod-write'], run: Promise.resolve(), shutdown: () => undefined });
    };
    expect(await cli(['worker', '--pool', 'prod', '--access', 'write'], { deps: { startWorkers } })).toMatchObject({ code: 0, err: text('Working on holdfast-prod-write') });
    await cli(['worker'], { deps: { startWorkers } });
    await cli(['worker', '--access', 'none'], { deps: { startWorkers } });
    expect(seen).toEqual([[['prod'], 'write', false], [[], 'both', true], [[], 'none', true]]);
    for (const idle of [['--pool', 'prod'], ['--no-control']]) {
      expect(await cli(['worker', '--access', 'none', ...idle], { deps: { startWorkers } })).toMatchObject({ code: 1, err: text('--access none serves no pool') });
    }
    expect(seen).toHaveLength(3);
  });
});

describe('init', () => {
  it('says what it wrote and what to try', async () => {
    const init = () => Promise.resolve({ written: [{ path: 'holdfast.yaml', what: 'one environment, one target' }], example: 'prod/site' });
    expect(await cli(['init', '--root', '/srv'], { deps: { init } })).toMatchObject({ code: 0, out: 'wrote holdfast.yaml  one environment, one target\n', err: text('holdfast check prod/site') });
  });
});

describe('a plan in the record that another version wrote', () => {
  it('is shown with what is known of it', async () => {
    const odd = recorded({ incident: () => Promise.resolve(incident({ parts: [{ part: 1, phase: 'a-new-phase', plan: 'x', changes: 'many' }] })), plan: () => Promise.resolve(plan()) });
    expect(await cli(['incident', 'prod/storefront'], { deps: { ...odd, ...connected({}) } })).toMatchObject({ code: 0, out: text('a-new-phase') });
  });
});
