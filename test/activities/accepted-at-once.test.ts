import { describe, expect, it } from 'vitest';
import type { AssessedPart, Assessment, Judged } from '../../src/activities/types.js';
import type { Question } from '../../src/domain/approving/judge.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import { FIRST, only, openBench, RUN, SHOP, standing, type Bench } from './bench.js';

const HOUR = 3_600_000;
const UNTIL = '2026-11-02T11:00:00.000Z';

interface Two {
  readonly on: Bench;
  /** A field with a repair that somebody is asked about. */
  readonly asked: AssessedPart;
  /** A file that is only reported, and has no repair. */
  readonly reported: AssessedPart;
}

/** One incident of two parts, of which one is decided while the other stands. */
async function two(): Promise<Two> {
  const on = await openBench({ target: { remediation: 'ask' }, spec: { unmanaged: 'report' } });
  on.write('etc/app.yaml', 'port: 9\nhost: a\n');
  on.write('etc/stray', 'left over\n');
  await on.check();
  const { parts } = await on.assess();
  const asked = only(parts.filter((part) => part.plan !== undefined));
  return { on, asked, reported: only(parts.filter((part) => part.plan === undefined)) };
}

async function decide({ on, asked, reported }: Two, about: AssessedPart, words: Partial<DecisionMessage>): Promise<Judged> {
  on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'accept' }]);
  const other = about === asked ? reported : asked;
  const question = ({ part, plan, ask }: AssessedPart): Question => ({ part, phase: plan === undefined ? 'observed' : 'awaiting-approval', causedBy: [], ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }) });
  // Where it has no plan to name, the other is decided already, and its repair is under way.
  const questions = about.plan === undefined ? [question(about), { ...question(other), phase: 'staging' as const, decided: 'approved by bob' }] : [question(about), question(other)];
  const message: DecisionMessage = { decision: 'accept', by: 'alice', until: UNTIL, reason: 'load test', ticket: 'OPS-12', ...(about.plan === undefined ? {} : { plan: about.plan }), ...words };
  return only(await on.run('judge', { incident: FIRST, run: RUN, malformed: 0, questions, messages: [{ message, via: { signal: 'accept', ordinal: 1 } }] }));
}

/** The next look of the incident, in which one part has ended so. */
function again({ on, asked, reported }: Two, ended: AssessedPart): Promise<Assessment> {
  const other = ended === asked ? reported : asked;
  return on.assess({ ordinal: 2, nextPart: 3, parts: [standing(other)], settled: ended.plan === undefined ? [] : [ended.plan] });
}

describe.each(['asked', 'reported'] as const)('what is accepted of an incident that is still open, %s', (which) => {
  it('is listed at once, and kept out of the next looks', async () => {
    const all = await two();
    const { on } = all;
    expect(await decide(all, all[which], {})).toMatchObject({ result: 'accepted', parts: [all[which].part] });
    expect(await on.ledger.acceptances(SHOP)).toMatchObject([{ incident: 1, until: UNTIL, by: 'alice', reason: 'load test', ticket: 'OPS-12', resource: which === 'asked' ? 'etc/app.yaml' : 'etc/stray' }]);
    on.later(60_000);
    expect(await again(all, all[which])).toMatchObject({ parts: [], gone: [] });
  });

  it('is asked about again from its date on, also while the rest still stands', async () => {
    const all = await two();
    await decide(all, all[which], {});
    all.on.later(2 * HOUR);
    expect(only((await again(all, all[which])).parts).reason).toContain(`the acceptance by alice until ${UNTIL} (OPS-12) has lapsed: load test`);
  });

  it('is asked about again once somebody ends it, and its incident does not bring it back', async () => {
    const all = await two();
    const { on } = all;
    await decide(all, all[which], {});
    const ended = await on.run('command', { environment: 'prod', run: RUN, message: { command: 'accept', end: true, scope: 'prod/storefront', incident: 1, by: 'bob', reason: 'it is over' } }, { workflowType: 'environment', workflowId: 'environment/prod' });
    expect(ended).toMatchObject({ ok: true });
    expect(only((await again(all, all[which])).parts).reason).not.toContain('lapsed');
    await close(all, which);
    expect(await on.ledger.acceptances(SHOP)).toEqual([]);
  });

  it('is settled once, by whoever comes first: its step again, and the end of its incident', async () => {
    const all = await two();
    const { on } = all;
    await decide(all, all[which], {});
    const before = await on.ledger.acceptances(SHOP);
    await decide(all, all[which], {});
    on.later(60_000);
    await close(all, which);
    expect(await on.ledger.acceptances(SHOP)).toEqual(before);
    expect((await on.entries('settled')).filter((entry) => entry.data['outcome'] === 'accepted')).toHaveLength(1);
    on.temporal.runs.delete('incident/prod/storefront');
    await on.check();
    expect((await on.ledger.incidents({ open: true })).length, 'the other was rejected').toBe(0);
  });
});

async function close({ on, asked, reported }: Two, accepted: 'asked' | 'reported'): Promise<void> {
  const parts = [asked, reported].map((part) => {
    const base = { part: part.part, decision: part.decision, reason: 'decided', by: 'alice', ...(part.plan === undefined ? {} : { plan: part.plan }) };
    return part === (accepted === 'asked' ? asked : reported) ? { ...base, outcome: 'accepted' as const, until: UNTIL, given: 'load test', ticket: 'OPS-12' } : { ...base, outcome: 'rejected' as const };
  });
  await on.run('close', { incident: FIRST, run: RUN, outcome: 'rejected', malformed: 0, parts });
}

it('what is rejected and has no repair is not noted again while the rest still stands', async () => {
  const all = await two();
  expect(await decide(all, all.reported, { decision: 'reject' })).toMatchObject({ result: 'accepted' });
  expect(await again(all, all.reported)).toMatchObject({ parts: [], gone: [] });
});

it('what is accepted as a whole is settled by the end of its incident alone', async () => {
  const all = await two();
  const { on, asked, reported } = all;
  on.temporal.histories.set(RUN, [{ at: on.at(), signal: 'accept' }]);
  const questions = [asked, reported].map(({ part, plan, ask }): Question => ({ part, phase: 'observed', causedBy: [], ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }) }));
  await on.run('judge', { incident: FIRST, run: RUN, malformed: 0, questions, messages: [{ message: { decision: 'accept', by: 'alice', until: UNTIL, reason: 'load test' }, via: { signal: 'accept', ordinal: 1 } }] });
  expect(await on.entries('settled')).toEqual([]);
});
