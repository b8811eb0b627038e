import { describe, expect, it } from 'vitest';
import type { AssessedPart, PartRef, RollbackInput } from '../../src/activities/types.js';
import type { Plan } from '../../src/domain/plan.js';
import { files } from '../../src/providers/files/index.js';
import { FIRST, only, openBench, openIncident, OTHER_RUN, refOf, RUN, SHOP, staged, type Bench, type BenchOptions } from './bench.js';

const DRIFTED = 'port: 9\nhost: a\n';
const DESIRED = 'port: 1\nhost: a\n';

async function finalized(on: Bench, part: AssessedPart): Promise<Awaited<ReturnType<typeof staged>>> {
  const ref = await staged(on, part);
  expect(await on.run('finalize', ref)).toEqual({ result: 'finalized' });
  return ref;
}

function back(ref: PartRef, cause: RollbackInput['cause'] = 'unhealthy'): RollbackInput {
  const { incident, part, plan, round } = ref;
  return { incident, part, plan, round, cause, reason: 'status 503' };
}

describe('what the write worker believes', () => {
  interface Forgery {
    readonly reason: string;
    readonly ref?: Partial<PartRef>;
    readonly before?: (on: Bench, part: AssessedPart) => Promise<unknown>;
    readonly options?: BenchOptions;
    readonly message: RegExp;
  }
  const forgeries: Forgery[] = [
    { reason: 'a question that nobody asked', ref: { ask: 'f'.repeat(32) }, message: /nobody approved plan/ },
    { reason: 'no question at all', ref: { ask: '' }, message: /nobody approved plan/ },
    { reason: 'a question that nobody has answered', options: { target: { remediation: 'ask' } }, message: /nobody approved plan/ },
    {
      reason: 'a rejected one',
      options: { target: { remediation: 'ask' } },
      before: (on, part) => on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'reject', plan: part.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'm' }),
      message: /nobody approved plan/,
    },
    { reason: 'another plan than the one that was approved', ref: { plan: 'e'.repeat(64) }, message: /not in the record/ },
    { reason: 'an incident that does not exist', ref: { incident: { ...SHOP, number: 7 } }, message: /prod\/storefront#7 is not open in the record/ },
    {
      reason: 'an incident that has ended',
      before: (on) => on.ledger.closeIncident(FIRST, { at: on.at(), outcome: 'cancelled', parts: [], narrative: 'x', settled: [] }),
      message: /prod\/storefront#1 is not open in the record/,
    },
  ];

  it.each(forgeries)('it neither stages nor finalizes on $reason', async ({ ref, before, options, message }) => {
    const on = await openBench(options);
    const part = await openIncident(on);
    await before?.(on, part);
    const forged = refOf(part, ref);
    await expect(on.run('stage', forged)).rejects.toMatchObject({ type: 'Refused', nonRetryable: true, message: expect.stringMatching(message) as string });
    await expect(on.run('finalize', forged)).rejects.toMatchObject({ type: 'Refused' });
    expect(on.read('etc/app.yaml')).toBe(DRIFTED);
    expect(await on.entries('intent')).toEqual([]);
  });

  it('a decision that another run used lets nothing be written: it is asked again', async () => {
    const on = await openBench();
    const forged = refOf(await openIncident(on), { run: OTHER_RUN });
    for (const name of ['stage', 'finalize'] as const) {
      expect(await on.run(name, forged)).toMatchObject({ result: 'moved', reason: expect.stringContaining('used by another run') as string });
    }
    expect(await on.entries('intent')).toEqual([]);
  });

  it('a plan that was changed in the record does not run: it is hashed again', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const plan = await on.ledger.plan(part.plan ?? '');
    const changed = { ...plan, steps: [{ action: 'delete', resource: 'bin/run', summary: 'remove bin/run' }] } as unknown as Plan;
    const worker = { ledger: { ...on.ledger, plan: () => Promise.resolve(changed) } };
    await expect(on.run('stage', refOf(part), { worker })).rejects.toMatchObject({ type: 'Refused', message: expect.stringContaining('audit verify') as string });
  });

  it('a limit that was lowered after the rules allowed a repair sends it back to be asked about; what a person approved goes on', async () => {
    for (const [remediation, result] of [['auto', 'moved'], ['ask', 'staged']] as const) {
      const on = await openBench({ target: { remediation } });
      on.write('etc/motd', 'hacked\n');
      const part = await openIncident(on);
      if (remediation === 'ask') await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'm' });
      const config = await on.deps.config();
      const environments = config.environments.map((each) => ({ ...each, limits: { ...each.limits, resources: { max: 1, percent: 10 } } }));
      const answer = await on.run('stage', refOf(part), { worker: { config: () => Promise.resolve({ ...config, environments }) } });
      expect(answer.result).toBe(result);
      if (answer.result === 'moved') expect(answer.reason).toContain('gate blast-radius: 2 of 3 resources');
    }
  });

  it('a plan for another target is refused', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const other = await on.ledger.openIncident({ address: { environment: 'prod', target: 'search' }, at: on.at(), drift: 'v1:x', kind: 'drift' });
    expect(other.row.number).toBe(1);
    const ref = refOf(part, { incident: { environment: 'prod', target: 'search', number: 1 } });
    await expect(on.run('stage', ref, { workflowId: 'incident/prod/search' })).rejects.toMatchObject({ type: 'Refused', message: expect.stringContaining('for another target') as string });
  });

  it('a read-only worker writes nothing, whatever was approved, and the step waits for another', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await finalized(on, part);
    const worker = { readOnly: true };
    for (const [name, input] of [['stage', refOf(part, { round: 2 })], ['finalize', { ...ref, round: 2 }], ['rollback', back(ref)]] as const) {
      await expect(on.run(name, input, { worker })).rejects.toMatchObject({ type: 'ReadOnly', message: expect.stringContaining('HOLDFAST_READ_ONLY') as string });
    }
    expect(on.read('etc/app.yaml')).toBe(DESIRED);
  });
});

describe('stage', () => {
  it('prepares and leaves what is live as it is; twice equals once', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const first = await staged(on, part);
    const intents = (await on.ledger.intents({ incident: FIRST })).length;
    expect(await staged(on, part)).toEqual(first);
    expect(await on.ledger.intents({ incident: FIRST })).toHaveLength(intents);
    expect(await on.entries('staged')).toHaveLength(1);
    expect(on.read('etc/app.yaml')).toBe(DRIFTED);
  });

  it.each([
    { reason: 'the live value moved', act: (on: Bench) => { on.write('etc/app.yaml', 'port: 10\nhost: a\n'); }, result: 'moved' },
    { reason: 'the desired value moved', act: (on: Bench) => { on.desire('etc/app.yaml', 'port: 2\nhost: a\n'); }, result: 'moved' },
    { reason: 'the drift is gone', act: (on: Bench) => { on.write('etc/app.yaml', DESIRED); }, result: 'cleared' },
  ])('looks again first: $result, because $reason', async ({ act, result }) => {
    const on = await openBench();
    const part = await openIncident(on);
    act(on);
    expect(await on.run('stage', refOf(part))).toMatchObject({ result });
    expect(await on.entries('intent')).toEqual([]);
  });

  it('goes on when something else in the target drifted: that does not concern this plan', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    on.write('etc/motd', 'hacked\n');
    const ref = await finalized(on, part);
    expect(on.read('etc/app.yaml')).toBe(DESIRED);
    expect(on.read('etc/motd')).toBe('hacked\n');
    expect(ref.plan).toBe(part.plan);
  });

  it('cannot tell and so writes nothing when the target cannot be read, and may be tried again', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    on.remove('.');
    await expect(on.run('stage', refOf(part))).rejects.toMatchObject({ type: 'Unreachable', nonRetryable: false });
  });

  it('a gate that closed after the decision stops it before anything is made', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    await on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch', at: on.at() });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'gate-closed', gate: { gate: 'freeze' } });
    expect(await on.entries('intent')).toEqual([]);
  });

  it('the breaker stops what no person approved, and lets through what one did', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'm' });
    await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback failed', at: on.at() });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'staged' });
    const automatic = await openBench();
    const own = await openIncident(automatic);
    await automatic.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback failed', at: automatic.at() });
    expect(await automatic.run('stage', refOf(own))).toMatchObject({ result: 'gate-closed', gate: { gate: 'breaker' } });
  });

  it('what a rule allowed where it was decided, and would not allow here, is decided again', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const stricter = { decide: () => () => ({ decision: 'ask', risk: 'low', rules: ['remediation: ask'], reason: 'this target asks before every repair' }) as const };
    expect(await on.run('stage', refOf(part), { worker: stricter })).toMatchObject({ result: 'moved', reason: expect.stringContaining('no rule allows plan') as string });
    const ref = await staged(on, part);
    expect(await on.run('finalize', ref, { worker: stricter })).toMatchObject({ result: 'moved' });
    expect(await on.run('finalize', ref)).toEqual({ result: 'finalized' });
  });

  it('another attempt of the same step fences the one before', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    await on.run('stage', refOf(part), { attempt: 2 });
    const fences = (await on.ledger.intents({ incident: FIRST })).map((intent) => intent.fence);
    await expect(on.ledger.intend({ ...FIRST, key: 'late', step: 'late', write: 'x', plan: part.plan ?? '', fence: Math.min(...fences) - 1, at: on.at() })).rejects.toMatchObject({ failure: 'Fenced' });
  });
});

describe('finalize', () => {
  it('makes live what was planned, and nothing else; twice equals once', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await finalized(on, part);
    expect(on.read('etc/app.yaml')).toBe(DESIRED);
    const intents = (await on.ledger.intents({ incident: FIRST })).length;
    expect(await on.run('finalize', ref, { attempt: 2 })).toEqual({ result: 'finalized' });
    expect(await on.ledger.intents({ incident: FIRST })).toHaveLength(intents);
    expect(only(await on.entries('finalized')).data).toMatchObject({ part: 1, plan: part.plan, fields: ['etc/app.yaml /port'] });
  });

  it('has an intent on record before each write and an outcome after it', async () => {
    const on = await openBench();
    await finalized(on, await openIncident(on));
    const intents = await on.ledger.intents({ incident: FIRST });
    expect(intents.length).toBeGreaterThan(0);
    for (const intent of intents) expect(intent).toMatchObject({ ok: true, plan: intents[0]?.plan });
    expect(await on.ledger.verify()).toMatchObject({ ok: true });
  });

  it.each([
    { reason: 'a freeze came between', act: (on: Bench) => on.ledger.closeGate({ scope: '*', gate: 'freeze' as const, by: 'alice', reason: 'launch', at: on.at() }), result: 'gate-closed' },
    { reason: 'the live value moved between', act: async (on: Bench) => { on.write('etc/app.yaml', 'port: 10\nhost: a\n'); }, result: 'moved' },
    { reason: 'the desired value moved between', act: async (on: Bench) => { on.desire('etc/app.yaml', 'port: 2\nhost: a\n'); }, result: 'moved' },
  ])('writes nothing: $reason', async ({ act, result }) => {
    const on = await openBench();
    const ref = await staged(on, await openIncident(on));
    await act(on);
    const before = on.read('etc/app.yaml');
    expect(await on.run('finalize', ref)).toMatchObject({ result });
    expect(on.read('etc/app.yaml')).toBe(before);
  });
});

describe('rollback', () => {
  it('puts back what was live, quarantines the change, and says so; twice equals once', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await finalized(on, part);
    const first = await on.run('rollback', back(ref));
    expect(first).toMatchObject({ result: 'restored', message: expect.stringContaining('put back 1 resource: etc/app.yaml') as string });
    expect(on.read('etc/app.yaml')).toBe(DRIFTED);
    expect(await on.run('rollback', back(ref), { attempt: 2 })).toEqual(first);
    expect(await on.entries('rolled-back')).toHaveLength(1);
    expect((await on.ledger.closedGates(SHOP, on.at())).map((row) => row.gate)).toEqual(['step-back', 'quarantine']);
    // What was quarantined is held at that revision, whatever else moved, and what else moved is repaired apart from it.
    on.write('etc/motd', 'hacked\n');
    const { parts } = await on.assess({ ordinal: 2, nextPart: 2 });
    expect(parts.map((each) => [each.changes, each.gate.allowed ? 'open' : each.gate.gate])).toEqual(expect.arrayContaining([[1, 'quarantine'], [1, 'open']]));
    expect(parts).toHaveLength(2);
  });

  it('of a repair that was only staged leaves what is live as it is', async () => {
    const on = await openBench();
    const ref = await staged(on, await openIncident(on));
    expect(await on.run('rollback', back(ref))).toMatchObject({ result: 'restored' });
    expect(on.read('etc/app.yaml')).toBe(DRIFTED);
  });

  it('of a repair whose switch never began writes nothing, even where somebody else has moved what was staged against', async () => {
    const on = await openBench();
    const ref = await staged(on, await openIncident(on));
    on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    const worker = { providers: { files: { ...on.deps.providers['files'], rollback: () => Promise.reject(new Error('there is nothing to put back')) } as never } };
    expect(await on.run('rollback', back(ref, 'moved'), { worker })).toMatchObject({ result: 'restored', message: expect.stringContaining('nothing had been changed') as string });
    expect(on.read('etc/app.yaml')).toBe('port: 10\nhost: a\n');
    expect(await on.ledger.closedGates(SHOP, on.at())).toEqual([]);
  });

  it('of a repair that was never staged has nothing to put back', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    expect(await on.run('rollback', back(refOf(part), 'failed'))).toMatchObject({ result: 'restored', message: expect.stringContaining('nothing had been changed') as string });
  });

  it.each(['gate-closed', 'moved', 'cancelled'] as const)('for %s quarantines nothing', async (cause) => {
    const on = await openBench();
    const ref = await staged(on, await openIncident(on));
    await on.run('rollback', back(ref, cause));
    expect(await on.ledger.closedGates(SHOP, on.at())).toEqual([]);
  });

  it('that a lagging read took for done already is seen not to be, and done', async () => {
    const on = await openBench();
    const ref = await finalized(on, await openIncident(on));
    const files = on.deps.providers['files'];
    let calls = 0;
    const worker = { providers: { files: { ...files, rollback: (...args: Parameters<NonNullable<typeof files>['rollback']>) => {
      calls += 1;
      return calls === 1 ? Promise.resolve({ restored: ['etc/app.yaml'], failed: [] }) : files?.rollback(...args);
    } } as never } };
    expect(await on.run('rollback', back(ref), { worker })).toMatchObject({ result: 'restored' });
    expect(calls).toBe(2);
    expect(on.read('etc/app.yaml')).toBe(DRIFTED);
  });

  it.each([
    { reason: 'a removal that timed out is looked at once more, so that its outcome is on record', failing: 1, removed: true },
    { reason: 'a removal that fails twice leaves the copy, and never fails a rollback that is done', failing: 2, removed: false },
  ])('$reason', async ({ failing, removed }) => {
    const on = await openBench();
    const ref = await finalized(on, await openIncident(on));
    const files = on.deps.providers['files'];
    let calls = 0;
    let isRemoved = false;
    const worker = { providers: { files: { ...files, cleanup: async (...args: Parameters<NonNullable<typeof files>['cleanup']>) => {
      calls += 1;
      if (calls <= failing) throw new Error('it timed out');
      await files?.cleanup(...args);
      isRemoved = true;
    } } as never } };
    expect(await on.run('rollback', back(ref), { worker })).toMatchObject({ result: 'restored' });
    expect({ calls, isRemoved }).toEqual({ calls: 2, isRemoved: removed });
  });

  it('that cannot put everything back is never called restored, and stops what is automatic in the environment', async () => {
    const on = await openBench();
    const ref = await finalized(on, await openIncident(on));
    const worker = { providers: { files: { ...on.deps.providers['files'], rollback: () => Promise.resolve({ restored: [], failed: [{ resource: 'etc/app.yaml', reason: 'changed meanwhile' }] }) } as never } };
    expect(await on.run('rollback', back(ref), { worker })).toEqual({ result: 'not-restored', message: 'etc/app.yaml: changed meanwhile' });
    const gate = only((await on.ledger.closedGates(SHOP, on.at())).filter((row) => row.gate !== 'step-back'));
    expect(gate).toMatchObject({ scope: 'prod', gate: 'breaker', reason: expect.stringContaining('etc/app.yaml: changed meanwhile') as string });
  });
});

describe('who answers is asked before every write', () => {
  const EXPECTED = { target: { expect: { site: 'shop' } } };
  const name = (on: Bench, site: string): void => { on.write('.holdfast-identity', `site=${site}\n`); };

  it('a rollback leaves a stranger alone, and is tried again', async () => {
    const on = await openBench(EXPECTED);
    name(on, 'shop');
    const ref = await finalized(on, await openIncident(on));
    name(on, 'bakery');
    await expect(on.run('rollback', back(ref))).rejects.toMatchObject({ type: 'Unreachable', nonRetryable: false, message: expect.stringContaining('bakery') as string });
    expect(on.read('etc/app.yaml')).toBe(DESIRED);
    name(on, 'shop');
    expect(await on.run('rollback', back(ref), { attempt: 2 })).toMatchObject({ result: 'restored' });
    expect(on.read('etc/app.yaml')).toBe(DRIFTED);
  });

  it('a switch that was begun goes on only where the same one answers', async () => {
    const on = await openBench(EXPECTED);
    name(on, 'shop');
    const ref = await staged(on, await openIncident(on));
    let calls = 0;
    const files = on.deps.providers['files'];
    const worker = { providers: { files: { ...files, finalize: async (...[plan, release, ctx]: Parameters<NonNullable<typeof files>['finalize']>) => {
      calls += 1;
      await ctx.intend({ name: 'switch' });
      if (calls === 1) throw new Error('timed out');
      await files?.finalize(plan, release, ctx);
    } } as never } };
    await expect(on.run('finalize', ref, { worker })).rejects.toThrow('timed out');
    name(on, 'bakery');
    await expect(on.run('finalize', ref, { worker, attempt: 2 })).rejects.toMatchObject({ type: 'Unreachable', nonRetryable: false });
    expect(calls).toBe(1);
    name(on, 'shop');
    expect(await on.run('finalize', ref, { worker, attempt: 3 })).toEqual({ result: 'finalized' });
  });
});

describe('verify', () => {
  it('is healthy when a read equals the desired state and health passed, on record', async () => {
    const on = await openBench();
    const ref = await finalized(on, await openIncident(on));
    expect(await on.run('verify', { ...ref, final: false })).toEqual({ result: 'healthy', message: 'a read equals the desired state and 1 health check passed' });
    expect(only(await on.entries('validated')).data).toMatchObject({ of: 'switch', verdict: 'healthy', left: 0 });
  });

  it('is unhealthy when health failed, though the read is clean', async () => {
    const on = await openBench();
    const ref = await finalized(on, await openIncident(on));
    on.healthy('unhealthy');
    expect(await on.run('verify', { ...ref, final: false })).toMatchObject({ result: 'unhealthy', message: expect.stringContaining('status 503') as string });
  });

  it('an effect that is seen late is waited for: a few looks, no second write, no false failure', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const before = await lookOf(on);
    const ref = await finalized(on, part);
    const writes = (await on.entries('intent')).length;
    let looks = 0;
    const lagging = { ...files, observe: async (...input: Parameters<typeof files.observe>) => ((looks += 1) <= 2 ? before.sight : files.observe(...input)) };
    expect(await on.run('verify', { ...ref, final: false }, { worker: { providers: { files: lagging } } })).toMatchObject({ result: 'healthy' });
    expect(looks).toBeGreaterThan(2);
    expect((await on.entries('intent')).length).toBe(writes);
  });

  it('what a second writer put back is news to the next check, though the incident knows the change: it may wait for that', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const drifted = on.read('etc/app.yaml');
    const ref = await finalized(on, part);
    on.write('etc/app.yaml', drifted);
    expect(await on.run('verify', { ...ref, final: false })).toMatchObject({ result: 'moved' });
    on.temporal.signals.length = 0;
    await on.check();
    expect(on.temporal.signals).toMatchObject([{ signal: 'observed' }]);
  });

  it('the incident’s own writes are no news to the next check', async () => {
    const on = await openBench();
    const ref = await finalized(on, await openIncident(on));
    await on.run('verify', { ...ref, final: false });
    on.temporal.signals.length = 0;
    for (let check = 0; check < 10; check += 1) expect(await on.check()).toMatchObject({ clean: 1 });
    expect(on.temporal.signals).toEqual([]);
    expect(on.temporal.started.filter((each) => each.type === 'incident')).toHaveLength(1);
  });
});

/** What the provider sees now, to be shown again when it is true no more. */
async function lookOf(on: Bench): Promise<{ readonly sight: Awaited<ReturnType<typeof files.observe>> }> {
  const { targets: [target] } = await on.deps.config();
  if (target === undefined) throw new Error('the bench has one target');
  const folder = target.source.type === 'folder' ? target.source.folder : '';
  const ctx = { signal: new AbortController().signal, heartbeat: () => undefined, log: on.deps.log, workFolder: on.deps.workRoot, resolveSecret: on.deps.resolveSecret };
  return { sight: await files.observe(target, { folder }, ctx) };
}
