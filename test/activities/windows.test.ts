import { describe, expect, it } from 'vitest';
import type { TimeWindow } from '../../src/domain/gates/window.js';
import { openBench, openIncident, refOf, SHOP, staged, START, type Bench } from './bench.js';

const MINUTE_MS = 60_000;

/** A window of prod that begins so many minutes after the bench's first instant, once a year. */
function window(kind: TimeWindow['kind'], { after, minutes, overrun = false }: { readonly after: number; readonly minutes: number; readonly overrun?: boolean }): TimeWindow {
  const start = new Date(Date.parse(BEGIN) + after * MINUTE_MS);
  return { kind, start: `${start.getUTCMinutes()} ${start.getUTCHours()} ${start.getUTCDate()} ${start.getUTCMonth() + 1} *`, durationMs: minutes * MINUTE_MS, timezone: 'UTC', actions: ['finalize'], overrun };
}

const BEGIN = new Date(START).toISOString();

function benchWith(...windows: readonly TimeWindow[]): Promise<Bench> {
  return openBench({ environment: { windows } });
}

function after(minutes: number): string {
  return new Date(Date.parse(BEGIN) + minutes * MINUTE_MS).toISOString();
}

async function phaseOf(on: Bench): Promise<unknown> {
  return (await on.ledger.incident(SHOP, 1))?.parts[0]?.['phase'];
}

describe('windows, asked by the write worker', () => {
  it('nothing is staged for a switch that could not follow', async () => {
    const on = await benchWith(window('allow', { after: 60, minutes: 60 }));
    const part = await openIncident(on);
    expect(part.gate).toMatchObject({ allowed: false, gate: 'window', opensAt: after(60) });
    expect((await on.entries('assessed'))[0]?.data['waits'], 'the record says what it waits for').toMatch(/outside the allow window .* of prod; opens 2026-11-02T10:00/);
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'gate-closed', gate: { gate: 'window', opensAt: after(60) } });
    expect(await on.entries('intent')).toEqual([]);
    on.later(35 * MINUTE_MS);
    expect(await on.run('stage', refOf(part)), 'and is once it can').toMatchObject({ result: 'staged' });
  });

  it('what was staged is kept while a window that closed opens again within the limit, said in the record, and then switched', async () => {
    const on = await benchWith(window('deny', { after: 5, minutes: 20 }));
    const ref = await staged(on, await openIncident(on));
    on.later(10 * MINUTE_MS);
    expect(await on.run('finalize', ref)).toMatchObject({ result: 'gate-closed', gate: { gate: 'window', opensAt: after(25) }, keepUntil: after(30) });
    expect(await phaseOf(on)).toBe('kept');
    expect((await on.entries('gate')).at(-1)).toMatchObject({ data: { gate: 'window', event: 'keeps it staged', until: after(30) } });
    expect(await on.run('askGates', { ...ref, kept: true })).toMatchObject({ gate: { allowed: false }, keepUntil: after(30) });
    on.later(15 * MINUTE_MS);
    expect(await on.run('askGates', { ...ref, kept: true })).toMatchObject({ gate: { allowed: true } });
    expect(await on.run('finalize', ref)).toEqual({ result: 'finalized' });
    expect(on.read('etc/app.yaml')).toBe('port: 1\nhost: a\n');
    expect(await on.ledger.verify()).toMatchObject({ ok: true });
  });

  it('what moved while it was kept is not switched', async () => {
    const on = await benchWith(window('deny', { after: 5, minutes: 20 }));
    const ref = await staged(on, await openIncident(on));
    on.later(10 * MINUTE_MS);
    await on.run('finalize', ref);
    on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    on.later(15 * MINUTE_MS);
    expect(await on.run('finalize', ref)).toMatchObject({ result: 'moved' });
    expect(on.read('etc/app.yaml')).toBe('port: 10\nhost: a\n');
  });

  it.each<{ readonly reason: string; readonly windows: readonly TimeWindow[]; readonly close?: (on: Bench) => Promise<unknown>; readonly gate: string; readonly kept: boolean }>([
    { reason: 'a window that opens after the limit', windows: [window('deny', { after: 5, minutes: 40 })], gate: 'window', kept: false },
    { reason: 'a window that opens just in time', windows: [window('deny', { after: 5, minutes: 25 })], gate: 'window', kept: true },
    { reason: 'a window that opens just too late', windows: [window('deny', { after: 5, minutes: 26 })], gate: 'window', kept: false },
    { reason: 'a freeze', windows: [], close: (on) => freeze(on), gate: 'freeze', kept: false },
    { reason: 'a freeze that ends soon', windows: [], close: (on) => freeze(on, after(12)), gate: 'freeze', kept: false },
    { reason: 'a freeze beside a window that opens soon', windows: [window('deny', { after: 5, minutes: 20 })], close: (on) => freeze(on), gate: 'freeze', kept: false },
    { reason: 'a breaker that may be released', windows: [], close: (on) => on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback failed', at: on.at() }), gate: 'breaker', kept: true },
  ])('$reason keeps it: $kept', async ({ windows, close, gate, kept }) => {
    const on = await benchWith(...windows);
    const ref = await staged(on, await openIncident(on));
    on.later(10 * MINUTE_MS);
    await close?.(on);
    const answer = await on.run('finalize', ref);
    expect(answer).toMatchObject({ result: 'gate-closed', gate: { gate } });
    expect('keepUntil' in answer).toBe(kept);
  });

  it('for a gate that opens at no known time it is kept up to the limit alone', async () => {
    const on = await benchWith();
    const ref = await staged(on, await openIncident(on));
    await on.ledger.closeGate({ scope: 'prod', gate: 'breaker', by: 'holdfast', reason: 'a rollback failed', at: on.at() });
    expect(await on.run('finalize', ref)).toMatchObject({ keepUntil: after(30) });
    on.later(30 * MINUTE_MS);
    expect(await on.run('askGates', { ...ref, kept: true })).not.toHaveProperty('keepUntil');
    expect(await on.run('finalize', ref)).not.toHaveProperty('keepUntil');
  });

  it('with overrun, what was begun before the deny finishes in it; what was begun is on record', async () => {
    const on = await benchWith(window('deny', { after: 5, minutes: 120, overrun: true }));
    const ref = await staged(on, await openIncident(on));
    expect((await on.entries('staged'))[0]).toMatchObject({ data: { begunAt: BEGIN } });
    on.later(10 * MINUTE_MS);
    expect(await on.run('finalize', ref)).toEqual({ result: 'finalized' });
  });

  it('a question stands still while the window is closed, and goes on with what was left', async () => {
    const on = await openBench({ target: { remediation: 'ask' }, environment: { windows: [window('deny', { after: 60, minutes: 60 })] } });
    const part = await openIncident(on);
    expect(part).toMatchObject({ gate: { allowed: true, closesAt: after(60) }, expiresAt: after(240) });
    on.later(60 * MINUTE_MS);
    const closed = await on.run('askGates', { ...refOf(part), ...(part.expiresAt === undefined ? {} : { expiresAt: part.expiresAt }) });
    expect(closed).toMatchObject({ gate: { allowed: false, opensAt: after(120) }, leftMs: 180 * MINUTE_MS });
    on.later(60 * MINUTE_MS);
    expect(await on.run('askGates', { ...refOf(part), leftMs: closed.leftMs ?? 0 })).toMatchObject({ gate: { allowed: true }, expiresAt: after(300) });
  });

  it('who is asked hears that the repair may be approved now, and when it would be made', async () => {
    const on = await openBench({ target: { remediation: 'ask' }, environment: { windows: [window('allow', { after: 60, minutes: 60 })] } });
    expect(await openIncident(on)).not.toHaveProperty('expiresAt');
    expect(on.told[0]?.text).toMatch(/It may be approved now, and then waits: outside the allow window .* of prod; opens 2026-11-02T10:00/);
  });

  it('a rollback asks no window', async () => {
    const on = await benchWith(window('deny', { after: 5, minutes: 120 }));
    const ref = await staged(on, await openIncident(on));
    expect(await on.run('finalize', ref)).toEqual({ result: 'finalized' });
    on.later(10 * MINUTE_MS);
    const { incident, part, plan, round } = ref;
    expect(await on.run('rollback', { incident, part, plan, round, cause: 'unhealthy', reason: 'status 503' })).toMatchObject({ result: 'restored' });
    expect(on.read('etc/app.yaml')).toBe('port: 9\nhost: a\n');
  });
});

function freeze(on: Bench, until?: string): Promise<unknown> {
  return on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch', at: on.at(), ...(until === undefined ? {} : { until }) });
}
