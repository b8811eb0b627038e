import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/ledger/ledger.js';
import { cli, config, json, recorded, stream, target } from './support.js';

const HASH = 'a'.repeat(64);

/** The entries that one incident leaves. */
function incident(number: number, { day, allowed, outcome, of = 'configuration', would = 'remediate', cause, environment = 'prod' }: { day: number; allowed?: 'approved' | 'decided'; outcome?: string; of?: string; would?: string; cause?: string; environment?: string }): readonly Entry[] {
  const at = new Date(Date.UTC(2030, 0, day, 9)).toISOString();
  const base = { at, environment, target: 'storefront', incident: number, seq: number, previous: '', hash: '', by: 'holdfast' };
  return [
    { ...base, kind: 'opened', data: { kind: 'drift' } },
    { ...base, kind: 'assessed', data: { part: 1, plan: HASH, decision: 'ask', rules: ['remediation: ask'], changes: [{ decision: 'ask', would: { decision: would }, inputs: { risk: { class: { value: of } } } }] } },
    ...(allowed === undefined ? [] : [{ ...base, kind: allowed, data: { part: 1, plan: HASH, decision: allowed === 'decided' ? 'policy' : 'approve' } } as const]),
    ...(outcome === undefined ? [] : [{ ...base, kind: 'closed', data: { outcome, parts: [{ part: 1, outcome, ...(cause === undefined ? {} : { cause }) }] } } as const]),
  ];
}

const GOOD = Array.from({ length: 12 }, (_, index) => incident(index + 1, { day: 2 + index * 2, allowed: 'approved', outcome: 'fixed' })).flat();

function with_(entries: readonly Entry[], gates: readonly object[] = []) {
  return { deps: recorded({ entries: () => stream(entries), allClosedGates: () => Promise.resolve(gates as never) }) };
}

describe('report --readiness', () => {
  it('recommends what has earned more, with its counts and why', async () => {
    const ran = await cli(['report', '--readiness', 'prod'], with_([...GOOD, ...incident(40, { day: 20, of: 'exposure', allowed: 'approved', outcome: 'rejected' })]));
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/prod +configuration +ask +12 +12 +0 +12 +0 +0 +0 +auto/);
    expect(ran.out).toMatch(/prod +exposure +ask +1 +1 +0 +0 +0 +1 +0 +ask/);
    expect(ran.out).toContain('prod configuration: auto: 12 approvals over 22 days, 100% unchanged, 100% healthy afterwards');
    expect(ran.out).toContain('prod exposure: ask: 1 of 10 approvals; 0 of 14 days; 50% approved unchanged, 95% wanted');
  });

  it('tells it as JSON and as Markdown', async () => {
    const ran = json(await cli(['report', '--readiness', '-o', 'json'], with_(GOOD)));
    expect(ran).toMatchObject({ kind: 'readiness', classes: [{ environment: 'prod', class: 'configuration', recommend: 'auto', days: 22, counts: { approved: 12, healthy: 12 } }] });
    expect((await cli(['report', '--readiness', '-o', 'markdown'], with_(GOOD))).out).toMatch(/\| prod \| configuration \| ask \| 12 \| 12 \| 0 \| 12 \| 0 \| 0 \| 0 \| auto \| 12 approvals/);
  });

  it.each<{ reason: string; entries: readonly Entry[]; counts: object; would?: number }>([
    { reason: 'a part that was decided anew counts once, as it ended', entries: incident(1, { day: 2 }).concat({ ...incident(1, { day: 2 })[1], data: { ...incident(1, { day: 2 })[1]?.data, part: 2 } } as Entry, { ...incident(1, { day: 2, outcome: 'fixed' })[2], data: { outcome: 'fixed', parts: [{ part: 2, outcome: 'fixed' }] } } as Entry), counts: { would: 1, healthy: 1, open: 0 } },
    { reason: 'an approval of another plan is none of this one', entries: incident(1, { day: 2, allowed: 'approved' }).map((entry) => (entry.kind === 'approved' ? { ...entry, data: { ...entry.data, plan: 'b'.repeat(64) } } : entry)), counts: { would: 1, approved: 0, open: 1 } },
    { reason: 'what the rules allowed is no approval of a person', entries: incident(1, { day: 2, allowed: 'decided', outcome: 'fixed' }), counts: { approved: 0, automatic: 1, healthy: 1 } },
    { reason: 'a rollback that a person asked for says nothing of health', entries: incident(1, { day: 2, allowed: 'approved', outcome: 'rolled-back', cause: 'asked' }), counts: { undone: 1, rolledBack: 0 } },
    { reason: 'a rollback for health does', entries: incident(1, { day: 2, allowed: 'approved', outcome: 'rolled-back', cause: 'unhealthy' }), counts: { undone: 0, rolledBack: 1 } },
    { reason: 'what was fixed and undone later', entries: [...incident(1, { day: 2, allowed: 'approved', outcome: 'fixed' }), { ...incident(2, { day: 3 })[0], data: { kind: 'undo', undoes: 1 } } as Entry], counts: { undone: 1, healthy: 0 } },
    { reason: 'a delete would be asked about whatever the setting', entries: incident(1, { day: 2, would: 'ask', allowed: 'approved', outcome: 'fixed' }), counts: { would: 0, approved: 0 } },
    { reason: 'too much at once would be asked about', entries: incident(1, { day: 2 }).map((entry) => (entry.kind === 'assessed' ? { ...entry, data: { ...entry.data, rules: ['blast-radius'] } } : entry)), counts: { would: 0 } },
  ])('counts: $reason', async ({ entries, counts }) => {
    const ran = json(await cli(['report', '--readiness', '-o', 'json'], with_(entries))) as { classes: { counts: object }[] };
    expect(ran.classes[0]?.counts).toMatchObject(counts);
  });

  it('says of a class that went a step back what takes it forward', async () => {
    const gate = { scope: 'prod', gate: 'step-back', by: 'holdfast', at: '2030-01-30T00:00:00.000Z', resource: 'configuration', reason: 'the automatic repair of prod/storefront#9 was rolled back: status 503' };
    const ran = await cli(['report', '--readiness'], with_(GOOD, [gate]));
    expect(ran.out).toContain('prod configuration: ask: configuration is a step back in prod: the automatic repair of prod/storefront#9 was rolled back: status 503; until it is released, a person decides: holdfast release prod --gate step-back');
  });

  it('counts targets of which different things hold, and begins with those furthest behind', async () => {
    const targets = [target('prod', 'api', { remediation: 'observe' }), target('prod', 'storefront')];
    const deps = { ...with_(GOOD).deps, loadConfig: () => Promise.resolve(config({ targets }) as never) };
    expect((await cli(['report', '--readiness'], { deps })).out).toMatch(/prod +configuration +observe 1, ask 1 .*ask/);
  });

  it('refuses what is not there', async () => {
    expect(await cli(['report'], with_([]))).toMatchObject({ code: 1, err: expect.stringContaining('--readiness is missing') as string });
    expect(await cli(['report', '--readiness', 'prd'], with_([]))).toMatchObject({ code: 1, err: expect.stringContaining('prod') as string });
    expect(await cli(['report', '--readiness'], with_([]))).toMatchObject({ code: 0, err: expect.stringContaining('Nothing was decided since') as string });
  });
});
