import { describe, expect, it } from 'vitest';
import type { DecideInput, EnvironmentCommand, HoldfastClient } from '../../src/client.js';
import { HoldfastError } from '../../src/domain/errors.js';
import type { DecisionRow } from '../../src/ledger/ledger.js';
import { cli, connected, HASH, incident, json, recorded, text } from './support.js';

type Answer = Awaited<ReturnType<HoldfastClient['decide']>>;

const OPEN = recorded({ incident: () => Promise.resolve(incident()) });

function answering(answer: Answer, seen: DecideInput[] = []) {
  return connected({ decide: (_address, input) => { seen.push(input); return Promise.resolve(answer); } });
}

function decision(overrides: Partial<DecisionRow> = {}): DecisionRow {
  return { environment: 'prod', target: 'storefront', number: 7, ask: 'a', decision: 'approve', plan: HASH, by: 'bob', verified: false, at: '2030-01-31T11:30:00Z', run: 'r', message: 'm', ...overrides };
}

describe('approve', () => {
  it('names the plan, who, and says what will happen', async () => {
    const seen: DecideInput[] = [];
    const ran = await cli(['approve', 'prod/storefront#7', '--plan', '3F9AC2D1'], { deps: { ...OPEN, ...answering({ result: 'accepted', message: 'approved: the repair goes on' }, seen) } });
    expect(seen).toEqual([{ decision: 'approve', by: 'alice', plan: '3f9ac2d1' }]);
    expect(ran).toEqual({ code: 0, out: 'prod/storefront#7: approved: the repair goes on (by alice, unverified)\n', err: '' });
  });

  it('without a plan approves nothing, and shows the plan that stands with the command that approves it', async () => {
    const ran = await cli(['approve', 'prod/storefront'], { deps: OPEN });
    expect(ran.code).toBe(1);
    expect(ran.out).toBe('');
    expect(ran.err).toContain('1. write etc/app.yaml as desired');
    expect(ran.err).toContain('Nothing was approved');
    expect(ran.err).toContain('holdfast approve prod/storefront#7 --plan 3f9ac2d10000');
  });

  it('of a closed incident says how it ended and what can be done', async () => {
    const closed = recorded({ incident: () => Promise.resolve(incident({ phase: 'closed', outcome: 'expired', closedAt: '2030-01-31T11:50:00Z' })) });
    for (const argv of [['approve', 'prod/storefront#7'], ['approve', 'prod/storefront#7', '--plan', '3f9ac2d1'], ['reject', 'prod/storefront#7', '--reason', 'x']]) {
      expect(await cli(argv, { deps: closed })).toMatchObject({ code: 1, err: text(/#7 is closed \(expired\)[\s\S]*holdfast retry prod\/storefront#7/) });
    }
  });

  it.each([
    { outcome: 'rolled-back', again: 'holdfast release prod/storefront --gate quarantine --reason WHY', reason: 'retry is refused as long as the quarantine stands' },
    { outcome: 'rejected', again: 'holdfast retry prod/storefront#7 --reason WHY', reason: 'it is kept quiet' },
    { outcome: 'adopted', again: 'holdfast check prod/storefront', reason: 'nothing is kept quiet, and retry is refused' },
  ] as const)('of an incident that ended $outcome names a command that is not refused: $reason', async ({ outcome, again }) => {
    const row = incident({ phase: 'closed', outcome, closedAt: '2030-01-31T11:50:00Z', parts: [{ part: 1, phase: 'closed', outcome, decision: 'ask', changes: 1 }] });
    const deps = recorded({ incident: () => Promise.resolve(row) });
    expect((await cli(['approve', 'prod/storefront#7'], { deps })).err).toContain(again);
    const shown = (await cli(['incident', 'prod/storefront#7'], { deps })).out;
    expect(shown.slice(shown.indexOf('Commands'))).toContain(again);
    expect(shown.includes('holdfast retry')).toBe(again.startsWith('holdfast retry'));
  });

  it('of an unknown incident names the last one', async () => {
    const deps = recorded({ incident: (_address, number) => Promise.resolve(number === 9 ? undefined : incident()) });
    expect(await cli(['approve', 'prod/storefront#9', '--plan', '3f9ac2d1'], { deps })).toMatchObject({ code: 1, err: text('Its last one is prod/storefront#7') });
  });

  it('of a target that never had one says so', async () => {
    const deps = recorded({ incident: () => Promise.resolve(undefined) });
    expect(await cli(['incident', 'prod/api'], { deps })).toMatchObject({ code: 1, err: text('prod/api has had no incident') });
    expect(await cli(['incident', 'prod/ap'], { deps })).toMatchObject({ code: 1, err: text('Did you mean prod/api?') });
  });
});

describe('the exit code of a decision', () => {
  const rows: readonly { readonly reason: string; readonly answer: Answer; readonly decisions?: readonly DecisionRow[]; readonly code: number }[] = [
    { reason: 'accepted', answer: { result: 'accepted', message: 'm' }, code: 0 },
    { reason: 'the same decision again is no failure', answer: { result: 'already-decided', message: 'm' }, decisions: [decision()], code: 0 },
    { reason: 'another decision stands', answer: { result: 'already-decided', message: 'm' }, decisions: [decision({ decision: 'reject' })], code: 1 },
    { reason: 'the plan is not the one that stands', answer: { result: 'stale-plan', message: 'm', plan: HASH }, code: 1 },
    { reason: 'too late', answer: { result: 'expired', message: 'm' }, code: 1 },
    { reason: 'refused for what it is', answer: { result: 'refused', message: 'm' }, code: 1 },
    { reason: 'refused for who decides', answer: { result: 'refused', message: 'm', unauthorised: true }, code: 4 },
  ];

  it.each(rows)('$reason: $code', async ({ answer, decisions = [], code }) => {
    const deps = { ...recorded({ incident: () => Promise.resolve(incident()), decisions: () => Promise.resolve(decisions) }), ...answering(answer) };
    const ran = await cli(['approve', 'prod/storefront', '--plan', '3f9ac2d1'], { deps });
    expect(ran.code).toBe(code);
    expect(code === 0 ? ran.out : ran.err).toContain('prod/storefront#7: m');
    const printed = await cli(['approve', 'prod/storefront', '--plan', '3f9ac2d1', '-o', 'json'], { deps });
    expect(printed.code).toBe(code);
    expect(json(printed)).toMatchObject({ version: 1, kind: 'decision', incident: 'prod/storefront#7', result: answer.result, verified: false, exitCode: code });
  });

  it('with Temporal away says so, with the remedy', async () => {
    const connect = () => Promise.reject(new HoldfastError('Unreachable', 'Temporal is not reachable at 127.0.0.1:7233', { remedy: 'start it with: holdfast up' }));
    const ran = await cli(['approve', 'prod/storefront', '--plan', '3f9ac2d1'], { deps: { ...OPEN, connect } });
    expect(ran).toEqual({ code: 1, out: '', err: 'holdfast: Temporal is not reachable at 127.0.0.1:7233\nstart it with: holdfast up\n' });
  });
});

describe('--wait', () => {
  function ending(outcome: 'fixed' | 'rolled-back' | undefined, after: number) {
    let looks = 0;
    return recorded({
      incident: () => {
        looks += 1;
        if (looks <= after || outcome === undefined) return Promise.resolve(incident({ phase: 'soaking', parts: [{ part: 1, phase: 'soaking', waitsFor: 'the end of the soak' }] }));
        return Promise.resolve(incident({ phase: 'closed', outcome, closedAt: '2030-01-31T12:01:00Z' }));
      },
    });
  }
  const argv = ['approve', 'prod/storefront', '--plan', '3f9ac2d1', '--wait'];
  const accepted = answering({ result: 'accepted', message: 'approved' });

  it('ends with the incident: 0 when it is fixed', async () => {
    expect(await cli(argv, { deps: { ...ending('fixed', 5), ...accepted } })).toMatchObject({ code: 0, out: text('prod/storefront#7: fixed') });
  });

  it('ends with 1 when the repair was rolled back', async () => {
    expect((await cli(argv, { deps: { ...ending('rolled-back', 5), ...accepted } })).code).toBe(1);
  });

  it('ends with 5 and says what it waits for when the time is over', async () => {
    expect(await cli([...argv, '--timeout', '30s'], { deps: { ...ending(undefined, 0), ...accepted } })).toMatchObject({ code: 5, err: text(/still soaking, waits for the end of the soak after 30s/) });
  });

  it('is one JSON value', async () => {
    const ran = await cli([...argv, '-o', 'json'], { deps: { ...ending('fixed', 3), ...accepted } });
    expect(json(ran)).toMatchObject({ kind: 'decision', result: 'accepted', end: { outcome: 'fixed' }, exitCode: 0 });
  });
});

describe('what is said to an environment', () => {
  const rows: readonly { readonly argv: readonly string[]; readonly environment: string; readonly command: Partial<EnvironmentCommand>; readonly outcome?: 'fixed' | 'rejected' }[] = [
    { argv: ['freeze', 'prod', '--reason', 'r', '--until', '2h'], environment: 'prod', command: { command: 'freeze', scope: 'prod', until: '2030-01-31T14:00:00.000Z' } },
    { argv: ['freeze', '--all', '--reason', 'r'], environment: 'dev', command: { command: 'freeze', scope: '*' } },
    { argv: ['unfreeze', 'prod/storefront', '--reason', 'r', '--by', 'bob'], environment: 'prod', command: { command: 'unfreeze', scope: 'prod/storefront', by: 'bob' } },
    { argv: ['release', 'prod/storefront', '--gate', 'quarantine', '--reason', 'r'], environment: 'prod', command: { command: 'release', gate: 'quarantine' } },
    { argv: ['retry', 'prod/storefront#7', '--reason', 'r'], environment: 'prod', command: { command: 'retry', incident: 7 }, outcome: 'rejected' },
    { argv: ['rollback', 'prod/storefront#7', '--reason', 'r'], environment: 'prod', command: { command: 'undo', incident: 7 }, outcome: 'fixed' },
    { argv: ['accept', 'prod/storefront', '--resource', 'etc/app.yaml', '--path', '/a', '--until', '2030-02-01', '--reason', 'r'], environment: 'prod', command: { command: 'accept', resource: 'etc/app.yaml', path: '/a', until: '2030-02-01T00:00:00.000Z' } },
  ];

  it.each(rows)('$argv', async ({ argv, environment: name, command, outcome }) => {
    const seen: (readonly [string, EnvironmentCommand])[] = [];
    const closed = incident({ phase: 'closed', closedAt: '2030-01-31T11:50:00Z', ...(outcome === undefined ? {} : { outcome }) });
    const deps = { ...recorded({ incident: () => Promise.resolve(closed) }), ...connected({ command: (environmentName, said) => { seen.push([environmentName, said]); return Promise.resolve({ ok: true, message: 'done so' }); } }) };
    expect(await cli(argv, { deps })).toEqual({ code: 0, out: 'done so\n', err: '' });
    expect(seen).toEqual([[name, expect.objectContaining({ by: 'alice', reason: 'r', ...command })]]);
  });

  it('and refused is an error', async () => {
    const deps = connected({ command: () => Promise.resolve({ ok: false, message: 'prod is not frozen' }) });
    expect(await cli(['unfreeze', 'prod', '--reason', 'r'], { deps })).toEqual({ code: 1, out: '', err: 'holdfast: prod is not frozen\n' });
  });

  it('cannot retry what is open, nor undo what was not fixed', async () => {
    expect(await cli(['retry', 'prod/storefront', '--reason', 'r'], { deps: OPEN })).toMatchObject({ code: 1, err: text('is open (awaiting-approval)') });
    const closed = recorded({ incident: () => Promise.resolve(incident({ phase: 'closed', outcome: 'rejected', closedAt: 'x' })) });
    expect(await cli(['rollback', 'prod/storefront', '--reason', 'r'], { deps: closed })).toMatchObject({ code: 1, err: text('only a repair that was made can be undone') });
  });
});
