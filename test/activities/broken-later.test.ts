import { describe, expect, it } from 'vitest';
import type { AssessedPart, Judged, PartRef } from '../../src/activities/types.js';
import type { Approvals, Config } from '../../src/config/config.js';
import type { Question } from '../../src/domain/approving/judge.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import type { Entry } from '../../src/ledger/ledger.js';
import { decisionStatement } from '../../src/trust/statement.js';
import { deny } from '../domain/gates/windows.js';
import { signer, type Signer } from '../support/ssh-signer.js';
import { FIRST, only, openBench, openIncident, OTHER_RUN, refOf, RUN, staged, START, type Bench } from './bench.js';

const keys: Readonly<Record<string, Signer>> = { alice: signer(), dave: signer(), mallory: signer() };
const PEOPLE: NonNullable<Config['people']> = {
  principals: ['alice', 'dave'].map((name) => ({ name, aliases: [], keys: [{ key: keys[name]?.line ?? '', fingerprint: keys[name]?.fingerprint ?? '' }] })),
  groups: { sre: ['alice'], oncall: ['dave'] },
};
const HALF_AN_HOUR = 30 * 60_000;
const APPROVALS: Approvals = { trust: 'signed', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1, rules: [{ any: [{ group: 'sre', count: 1 }] }], breakGlass: { group: 'oncall', expiresMs: HALF_AN_HOUR, unverified: false } };
const START_BY = '2026-11-02T09:30:00.000Z';
const EMERGENCY: DecisionMessage = { decision: 'approve', by: 'dave', breakGlass: true, reason: 'checkout is down' };
/** The whole year. */
const CLOSED = [deny('0 0 1 1 *', '8784h')];

interface Approved {
  readonly on: Bench;
  readonly part: AssessedPart;
  readonly ref: PartRef;
  readonly before: Before;
}

/** Who let it go on before: alice, or the rules, by themselves. */
const BEFORE = ['approved', 'allowed'] as const;
type Before = (typeof BEFORE)[number];

/** A plan that waits on a Friday night, and whose window opens on Monday. */
function waiting(before: Before): Promise<Approved> {
  return before === 'approved' ? approved() : allowed();
}

/** What the rules allow, and nobody is asked about. */
async function allowed(): Promise<Approved> {
  const on = await openBench({ people: PEOPLE, environment: { approvals: APPROVALS, windows: CLOSED } });
  const part = await openIncident(on);
  const all = { on, part, ref: refOf(part), before: 'allowed' as const };
  expect(await on.run('askGates', all.ref)).toMatchObject({ gate: { allowed: false, gate: 'window' } });
  return all;
}

async function approved(approvals: Approvals = APPROVALS): Promise<Approved> {
  const on = await openBench({ target: { remediation: 'ask' }, people: PEOPLE, environment: { approvals, windows: CLOSED } });
  const part = await openIncident(on);
  const all = { on, part, ref: refOf(part), before: 'approved' as const };
  expect(await say(all, { decision: 'approve', by: 'alice' }, { phase: 'awaiting-approval' })).toMatchObject({ result: 'accepted', parts: [1] });
  expect(await on.run('askGates', all.ref)).toMatchObject({ gate: { allowed: false, gate: 'window' } });
  return all;
}

async function breaks(on: Bench): Promise<readonly Entry[]> {
  return (await on.entries('decided')).filter(({ data }) => data['decision'] === 'break-glass');
}

interface Saying {
  readonly phase?: Question['phase'];
  readonly with?: Signer;
  /** What is signed in place of what is said. */
  readonly signed?: Partial<DecisionMessage>;
  readonly more?: Partial<Question>;
  readonly run?: string;
}

async function say({ on, part, before }: Pick<Approved, 'on' | 'part' | 'before'>, words: DecisionMessage, { phase = 'waiting', with: key = keys[words.by], signed = {}, more = {}, run = RUN }: Saying = {}): Promise<Judged> {
  const { plan = '', ask = '' } = part;
  const message = { plan, ...words };
  const signature = key?.sign(decisionStatement({ project: 'shop', incident: FIRST, question: { plan, ask } }, { ...message, ...signed }));
  on.temporal.histories.set(run, [{ at: on.at(), signal: 'approve' }]);
  const question: Question = { part: 1, phase, causedBy: [], plan, ask, ...(phase === 'awaiting-approval' ? {} : { decided: before === 'approved' ? 'approved by alice' : 'allowed by policy', approved: {} }), ...more };
  return only(await on.run('judge', { incident: FIRST, run, questions: [question], malformed: 0, messages: [{ message: { ...message, ...(signature === undefined ? {} : { signature }) }, via: { signal: 'approve', ordinal: 1 } }] }));
}

describe.each(BEFORE)('breaking the glass for what is %s and waits for its window', (before) => {
  it('lets it start at once, loudly, and leaves what was decided before as it was', async () => {
    const all = await waiting(before);
    const { on, ref, part } = all;
    expect(await say(all, EMERGENCY)).toMatchObject({ result: 'accepted', parts: [1], afterwards: true, breakGlass: { startBy: START_BY } });
    expect(await on.run('askGates', ref)).toMatchObject({ gate: { allowed: true } });
    expect(await on.run('stage', ref)).toMatchObject({ result: 'staged' });
    expect(await on.run('finalize', ref)).toMatchObject({ result: 'finalized' });
    expect(await on.ledger.decisionOf(part.ask ?? '')).toMatchObject(before === 'approved' ? { decision: 'approve', by: 'alice' } : { decision: 'policy' });
    expect(only(await breaks(on))).toMatchObject({ by: 'dave', data: { decision: 'break-glass', plan: part.plan, ask: part.ask, reason: 'checkout is down', verified: true, breakGlass: { startBy: START_BY } } });
    expect(on.told.filter((notice) => notice.event === 'break-glass')).toMatchObject([{ title: 'prod/storefront#1: dave broke the glass' }]);
    expect((await on.ledger.incident(FIRST, 1))?.parts[0]).toMatchObject({ brokenBy: 'dave' });
  });

  it('holds for as long as it says, and after that the approval does and waits for its window', async () => {
    const all = await waiting(before);
    await say(all, EMERGENCY);
    all.on.later(HALF_AN_HOUR + 1);
    expect(await all.on.run('askGates', all.ref)).toMatchObject({ gate: { allowed: false, gate: 'window' } });
    expect(await all.on.run('stage', all.ref)).toMatchObject({ result: 'gate-closed', gate: { gate: 'window' } });
  });

  it('what began in time is switched after it', async () => {
    const all = await waiting(before);
    await say(all, EMERGENCY);
    const ref = await staged(all.on, all.part);
    all.on.later(HALF_AN_HOUR + 1);
    expect(await all.on.run('finalize', ref)).toMatchObject({ result: 'finalized' });
  });

  it('opens no freeze', async () => {
    const all = await waiting(before);
    await all.on.ledger.closeGate({ scope: 'prod', gate: 'freeze', by: 'alice', reason: 'launch', at: all.on.at() });
    await say(all, EMERGENCY);
    expect(await all.on.run('stage', all.ref)).toMatchObject({ result: 'gate-closed', gate: { gate: 'freeze' } });
  });

  it.each<{ readonly reason: string; readonly words?: Partial<DecisionMessage>; readonly how?: Saying; readonly says: RegExp }>([
    { reason: 'who has no such role', words: { by: 'alice' }, says: /alice may not break the glass: oncall may \(dave\)/ },
    { reason: 'who signs under another name', how: { with: keys['alice'] as Signer }, says: /registered for alice/ },
    { reason: 'whose key nobody registered', how: { with: keys['mallory'] as Signer }, says: /is not registered/ },
    { reason: 'an ordinary approval that was made one on its way', how: { signed: { breakGlass: undefined as unknown as true } }, says: /is not over this decision/ },
    { reason: 'another reason than was signed', how: { signed: { reason: 'tidy up' } }, says: /is not over this decision/ },
    { reason: 'who caused the change', how: { more: { causedBy: ['dave'] } }, says: /dave caused this change/ },
    { reason: 'for which it was broken already', how: { more: { approved: { brokenBy: 'dave' } } }, says: /is (approved by alice|allowed by policy) already/ },
    { reason: 'what is being staged', how: { phase: 'staging' }, says: /is (approved by alice|allowed by policy) already/ },
    { reason: 'another plan', words: { plan: 'f'.repeat(64) }, says: /is not a plan of this incident/ },
    { reason: 'without its word: an ordinary approval', words: { breakGlass: undefined as unknown as true }, says: /already/ },
  ])('refuses $reason, and the window stays closed', async ({ words = {}, how, says }) => {
    const all = await waiting(before);
    const answer = await say(all, { ...EMERGENCY, ...words }, how);
    expect(answer.message).toMatch(says);
    expect(answer.result).not.toBe('accepted');
    expect(await all.on.run('stage', all.ref)).toMatchObject({ result: 'gate-closed', gate: { gate: 'window' } });
  });

  it('is used once: another run that replays it breaks nothing', async () => {
    const all = await waiting(before);
    await say(all, EMERGENCY);
    expect(await say(all, EMERGENCY, { run: OTHER_RUN })).toMatchObject({ result: 'refused', replayed: true });
    expect(await say(all, EMERGENCY), 'the same step again').toMatchObject({ result: 'accepted' });
    expect(await breaks(all.on)).toHaveLength(1);
  });

  it.each<{ readonly reason: string; readonly forge: { readonly sign?: string; readonly plan?: string; readonly breakGlass?: false }; readonly by?: string }>([
    { reason: 'nobody signed', forge: {} },
    { reason: 'who signed has no such role', by: 'alice', forge: { sign: 'alice' } },
    { reason: 'another plan was signed', forge: { sign: 'dave', plan: 'f'.repeat(64) } },
    { reason: 'an ordinary approval was signed', forge: { sign: 'dave', breakGlass: false } },
  ])('a row written into the record opens nothing: $reason', async ({ forge, by = 'dave' }) => {
    const { on, part, ref } = await waiting(before);
    const { plan = '', ask = '' } = part;
    const signedWords = { decision: 'approve' as const, by, plan, reason: 'x', ...(forge.breakGlass === false ? {} : { breakGlass: true as const }) };
    const statement = decisionStatement({ project: 'shop', incident: FIRST, question: { plan: forge.plan ?? plan, ask } }, signedWords);
    const signed = forge.sign !== undefined ? { signed: { statement, signature: keys[forge.sign]?.sign(statement) ?? '' } } : {};
    await on.ledger.append({ at: START, kind: 'decided', ...{ environment: 'prod', target: 'storefront', incident: 1 }, by, data: { decision: 'break-glass', ask, plan, part: 1, run: RUN, breakGlass: { startBy: '2036-01-01T00:00:00.000Z' }, verified: true, ...signed } });
    expect(await on.run('stage', ref)).toMatchObject({ result: 'gate-closed', gate: { gate: 'window' } });
  });

  it('a row that says that it holds for longer holds no longer than it may', async () => {
    const { on, part, ref } = await waiting(before);
    const { plan = '', ask = '' } = part;
    const statement = decisionStatement({ project: 'shop', incident: FIRST, question: { plan, ask } }, { ...EMERGENCY, plan });
    await on.ledger.append({ at: START, kind: 'decided', ...{ environment: 'prod', target: 'storefront', incident: 1 }, by: 'dave', data: { decision: 'break-glass', ask, plan, part: 1, run: RUN, breakGlass: { startBy: '2036-01-01T00:00:00.000Z' }, verified: true, signed: { statement, signature: keys['dave']?.sign(statement) ?? '' } } });
    expect(await on.run('askGates', ref)).toMatchObject({ gate: { allowed: true } });
    on.later(HALF_AN_HOUR + 1);
    expect(await on.run('askGates', ref)).toMatchObject({ gate: { allowed: false } });
  });

  it('may be done again once it has lapsed, each time with a signature of its own', async () => {
    const all = await waiting(before);
    await say(all, EMERGENCY);
    all.on.later(HALF_AN_HOUR + 1);
    const more = { approved: { brokenBy: 'dave', startBy: START_BY } };
    expect(await say(all, EMERGENCY, { more }), 'the same signature').toMatchObject({ result: 'refused', replayed: true });
    expect(await all.on.run('askGates', all.ref)).toMatchObject({ gate: { allowed: false, gate: 'window' } });
    expect(await say(all, { ...EMERGENCY, reason: 'down again' }, { more })).toMatchObject({ result: 'accepted', afterwards: true, breakGlass: { startBy: '2026-11-02T10:00:00.001Z' } });
    expect(await all.on.run('stage', all.ref)).toMatchObject({ result: 'staged' });
    expect(new Set(all.on.told.filter((notice) => notice.event === 'break-glass').map((notice) => notice.sequence)).size, 'each is told').toBe(2);
  });

  it('whoever has lost the role since has opened nothing', async () => {
    const all = await waiting(before);
    await say(all, EMERGENCY);
    const config = { ...all.on.config, people: { ...PEOPLE, groups: { ...PEOPLE.groups, oncall: ['alice'] } } };
    expect(await all.on.run('stage', all.ref, { worker: { config: () => Promise.resolve(config) } })).toMatchObject({ result: 'gate-closed', gate: { gate: 'window' } });
  });
});

describe('breaking the glass for what is approved', () => {
  it('counts nothing for an approval that is not enough any more', async () => {
    const all = await approved();
    await say(all, EMERGENCY);
    const config = { ...all.on.config, environments: all.on.config.environments.map((each) => ({ ...each, approvals: { ...APPROVALS, rules: [{ any: [{ group: 'sre', count: 2 }] }] } })) };
    expect(await all.on.run('stage', all.ref, { worker: { config: () => Promise.resolve(config) } })).toMatchObject({ result: 'moved' });
  });
});

describe('breaking the glass for what the rules allow', () => {
  const FAILED = { scope: 'prod', gate: 'breaker', by: 'holdfast', reason: '3 failed repairs within 1h' } as const;

  it.each([
    { reason: 'the breaker of failed repairs', row: { ...FAILED, halfOpenAt: '2026-11-02T10:00:00.000Z' } },
    { reason: 'the breaker of a rollback that failed, which stops only what is automatic', row: FAILED },
  ])('goes through $reason', async ({ row }) => {
    const all = await allowed();
    await all.on.ledger.closeGate({ ...row, at: all.on.at() });
    expect(await all.on.run('stage', all.ref)).toMatchObject({ result: 'gate-closed', gate: { gate: 'breaker' } });
    await say(all, EMERGENCY);
    expect(await all.on.run('stage', all.ref)).toMatchObject({ result: 'staged' });
  });

  it('takes no place that automatic repairs share, and needs none', async () => {
    const on = await openBench({ people: PEOPLE, environment: { approvals: APPROVALS, windows: CLOSED, limits: { concurrent: 2, reads: 4, budget: { max: 1, withinMs: 3_600_000 } } } });
    const part = await openIncident(on);
    const all = { on, part, ref: refOf(part), before: 'allowed' as const };
    await on.ledger.takePlace({ scope: 'prod', gate: 'budget', holder: 'prod/other#1/1', max: 1, at: on.at(), until: '2026-11-02T10:00:00.000Z' });
    await say(all, EMERGENCY);
    expect(await on.run('stage', all.ref)).toMatchObject({ result: 'staged' });
  });

  it('writes nothing that the rules allow no more', async () => {
    const all = await allowed();
    await say(all, EMERGENCY);
    const config = { ...all.on.config, targets: all.on.config.targets.map((each) => ({ ...each, remediation: 'ask' as const })) };
    expect(await all.on.run('stage', all.ref, { worker: { config: () => Promise.resolve(config) } })).toMatchObject({ result: 'moved' });
  });

  it('is refused to whoever last changed the desired state, and to nobody where that is not known', async () => {
    const on = await openBench({ people: PEOPLE, environment: { approvals: APPROVALS, windows: CLOSED } });
    const authored = { ...on.deps.sources, authors: () => Promise.resolve(['dave']) };
    on.write('etc/app.yaml', 'port: 9\nhost: a\n');
    await on.check();
    const part = only((await on.run('assess', { incident: FIRST, kind: 'drift', run: RUN, ordinal: 1, nextPart: 1, parts: [], settled: [] }, { worker: { sources: authored } })).parts);
    expect(part.decision).toBe('remediate');
    const answer = await say({ on, part, before: 'allowed' }, EMERGENCY);
    expect(answer).toMatchObject({ result: 'refused', unauthorised: true, message: expect.stringContaining('dave last changed the desired state') as string });
  });

  it('says so in the story of the incident', async () => {
    const all = await allowed();
    await say(all, EMERGENCY);
    const { on, ref } = all;
    await on.run('stage', ref);
    await on.run('finalize', ref);
    await on.run('verify', { ...ref, final: true });
    await on.run('close', { incident: FIRST, run: RUN, outcome: 'fixed', malformed: 0, parts: [{ part: 1, decision: 'remediate', outcome: 'fixed', reason: '', plan: ref.plan, ask: ref.ask }] });
    expect((await on.ledger.incident(FIRST, 1))?.narrative).toContain(`dave broke the glass for it at ${START}`);
  });
});
