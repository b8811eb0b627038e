import { describe, expect, it } from 'vitest';
import type { AssessedPart, CloseInput, EndedPart } from '../../src/activities/types.js';
import type { Outcome } from '../../src/domain/phase.js';
import { FIRST, only, openBench, openIncident, RUN, SHOP, staged, type Bench } from './bench.js';

function ending(part: AssessedPart, outcome: Outcome, more: Partial<EndedPart> = {}): CloseInput {
  return { incident: FIRST, run: RUN, outcome, malformed: 0, parts: [{ part: part.part, outcome, decision: part.decision, plan: part.plan ?? '', ask: part.ask ?? '', reason: 'so it ended', ...more }] };
}

async function settledOf(on: Bench): Promise<{ outcome: Outcome; until?: string; by?: string }[]> {
  const row = await on.ledger.lastObservation(SHOP);
  const changes = (await on.ledger.report(row?.digest ?? ''))?.changes ?? [];
  return (await on.ledger.settled(SHOP, changes, on.at())).map(({ outcome, until, by }) => ({ outcome, ...(until === undefined ? {} : { until }), ...(by === undefined ? {} : { by }) }));
}

describe('close', () => {
  it('ends the record, settles the changes for as long as is configured, and tells people once', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    on.told.length = 0;
    await on.run('close', ending(part, 'rejected', { by: 'alice' }));
    expect(await on.ledger.incident(SHOP)).toMatchObject({ outcome: 'rejected', phase: 'closed', closedAt: on.at(), narrative: expect.stringContaining('prod/storefront#1 ended: rejected.') as string });
    expect(await settledOf(on)).toEqual([{ outcome: 'rejected', until: '2026-11-09T09:00:00.000Z', by: 'alice' }]);
    expect(only(on.told)).toMatchObject({ event: 'closed', outcome: 'rejected', owner: 'team-web' });
  });

  it('twice equals once: a retried step changes nothing, and tells the very same, which is one delivery', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    await on.run('close', ending(part, 'rejected'));
    const [told, entries] = [on.told.at(-1), (await on.entries()).length];
    on.later(1_000);
    await on.run('close', ending(part, 'cancelled'), { attempt: 2 });
    expect(on.told.at(-1)).toEqual(told);
    expect(await on.entries()).toHaveLength(entries);
    expect(await on.ledger.incident(SHOP)).toMatchObject({ outcome: 'rejected' });
  });

  it.each<{ outcome: Outcome; more?: Partial<EndedPart>; settled: boolean; until?: string; reason: string }>([
    { outcome: 'accepted', more: { until: '2030-01-01T00:00:00Z' }, settled: true, until: '2030-01-01T00:00:00.000Z', reason: 'until the date that was given' },
    { outcome: 'expired', settled: true, until: '2026-11-09T09:00:00.000Z', reason: 'nobody answered; it is asked again after a while' },
    { outcome: 'cancelled', settled: true, until: '2026-11-09T09:00:00.000Z', reason: 'whoever cancelled it does not want it again at the next check' },
    { outcome: 'needs-human', settled: true, until: '2026-11-09T09:00:00.000Z', reason: 'a person looks at it first' },
    { outcome: 'cleared', settled: false, reason: 'there is nothing left to be quiet about' },
  ])('$outcome settles: $settled, $reason', async ({ outcome, more, settled, until }) => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    await on.run('close', ending(part, outcome, more));
    expect(await settledOf(on)).toEqual(settled ? [{ outcome, ...(until === undefined ? {} : { until }) }] : []);
  });

  it('with onExpiry: leave, what expired is left alone until something changes', async () => {
    const on = await openBench({ target: { remediation: 'ask' }, environment: { approvals: { trust: 'namespace', expiresMs: 1, remindMs: [], onExpiry: 'leave', settledMs: 1 } } });
    const part = await openIncident(on);
    on.later(1);
    await on.run('close', ending(part, 'expired'));
    expect(await settledOf(on)).toEqual([{ outcome: 'expired' }]);
  });

  it('that nothing came of is no news', async () => {
    const on = await openBench({ target: { remediation: 'ask' } });
    const part = await openIncident(on);
    on.told.length = 0;
    await on.run('close', ending(part, 'cleared'));
    expect(on.told).toEqual([]);
  });

  it('tells the whole story: what drifted, what was decided, done and measured', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await staged(on, part);
    await on.run('finalize', ref);
    await on.run('verify', { ...ref, final: true });
    await on.run('close', ending(part, 'fixed'));
    const { narrative = '' } = (await on.ledger.incident(SHOP)) ?? {};
    for (const words of ['Part 1, fixed: etc/app.yaml /port.', 'Decided remediate (remediation: auto).', 'staged at', 'finalized at', 'Measured: soak healthy', 'holdfast rollback prod/storefront#1']) expect(narrative).toContain(words);
    expect(await on.ledger.verify()).toMatchObject({ ok: true });
  });

  it('ends in the same step as its last proof when it is the only part', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await staged(on, part);
    await on.run('finalize', ref);
    const end = ending(part, 'fixed');
    expect(await on.run('verify', { ...ref, final: true, end })).toMatchObject({ result: 'healthy', ended: true });
    expect(await on.ledger.incident(SHOP)).toMatchObject({ outcome: 'fixed' });
    expect(only(on.told)).toMatchObject({ event: 'fixed' });
  });

  it('calls a rollback to what is healthy a hotfix to adopt, with the value to keep', async () => {
    const on = await openBench();
    const part = await openIncident(on);
    const ref = await staged(on, part);
    await on.run('finalize', ref);
    await on.run('rollback', { incident: FIRST, part: 1, plan: ref.plan, round: 1, cause: 'unhealthy', reason: 'status 503' });
    await on.run('close', ending(part, 'rolled-back', { cause: 'unhealthy' }));
    const { narrative = '' } = (await on.ledger.incident(SHOP)) ?? {};
    expect(narrative).toContain('hotfix');
    expect(narrative).toContain('etc/app.yaml /port: live is 9, desired says 1');
  });

  it.each<{ drift: (on: Bench) => void; told: string; reason: string }>([
    { drift: (on) => { on.desire('etc/app.yaml', 'port: 5\nhost: a\n'); }, told: 'Correct the desired state:', reason: 'the desired state moved; that live equalled it after the switch, before health failed, does not say otherwise' },
    { drift: (on) => { on.write('etc/app.yaml', 'port: 9\nhost: a\n'); }, told: 'a hotfix to adopt: what is live', reason: 'live moved away from a desired state that was clean before' },
  ])('rolled back once it was switched and looked at: $reason', async ({ drift, told }) => {
    const on = await openBench();
    await on.check();
    on.later(60_000);
    const part = await openIncident(on, drift);
    const ref = await staged(on, part);
    await on.run('finalize', ref);
    on.later(1_000);
    await on.check();
    await on.run('rollback', { incident: FIRST, part: 1, plan: ref.plan, round: 1, cause: 'unhealthy', reason: 'status 503' });
    await on.check();
    await on.run('close', ending(part, 'rolled-back', { cause: 'unhealthy' }));
    expect((await on.ledger.incident(SHOP))?.narrative).toContain(told);
  });

  it('of an incident that the record does not know does nothing', async () => {
    const on = await openBench();
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'cleared', parts: [], malformed: 0 });
    expect(await on.entries()).toEqual([]);
  });
});
