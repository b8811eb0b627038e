import { describe, expect, it } from 'vitest';
import type { AssessedPart, InboxMessage, Judged, JudgeBatch } from '../../src/activities/types.js';
import type { Approvals, Config } from '../../src/config/config.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import { rule } from '../policy/rules.js';
import { FIRST, only, openBench, openIncident, OTHER_RUN, refOf, RUN, standing, type Bench, type BenchOptions } from './bench.js';

const PEOPLE: NonNullable<Config['people']> = {
  principals: [
    { name: 'alice', oidc: 'alice@example.com', keys: [], aliases: ['os:asmith'] },
    ...['bob', 'carol', 'dave'].map((name) => ({ name, keys: [], aliases: [] })),
  ],
  groups: { sre: ['alice', 'bob', 'carol'], leads: ['dave'] },
};
const APPROVALS: Approvals = { trust: 'namespace', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 7 * 86_400_000 };
const TWO: Approvals = { ...APPROVALS, rules: [{ any: [{ group: 'sre', count: 2 }] }] };

/** Where nobody can prove a name two of them are one person's word: the configuration refuses it, and the rule is tried here all the same. */
async function asked(options: BenchOptions = {}): Promise<{ on: Bench; part: AssessedPart }> {
  const on = await openBench({ target: { remediation: 'ask' }, people: PEOPLE, environment: { approvals: TWO }, ...options });
  const part = await openIncident(on);
  on.temporal.histories.set(RUN, Array.from({ length: 200 }, () => ({ at: on.at(), signal: 'approve' })));
  on.temporal.histories.set(OTHER_RUN, Array.from({ length: 200 }, () => ({ at: on.at(), signal: 'approve' })));
  return { on, part };
}

function approve(part: AssessedPart, by: string, more: Partial<DecisionMessage> = {}): DecisionMessage {
  return { decision: 'approve', by, plan: (part.plan ?? '').slice(0, 12), ...more };
}

const reject = (by: string): DecisionMessage => ({ decision: 'reject', by, reason: 'no' });

async function judge(on: Bench, part: AssessedPart, messages: readonly DecisionMessage[], more: Partial<JudgeBatch> = {}): Promise<readonly Judged[]> {
  const { plan, ask, expiresAt } = part;
  const question = { part: part.part, phase: 'awaiting-approval' as const, causedBy: [], ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }), ...(expiresAt === undefined ? {} : { expiresAt }) };
  const items = messages.map((message, index): InboxMessage => ({ message, via: { signal: message.decision, ordinal: index + 1 } }));
  return on.run('judge', { incident: FIRST, run: RUN, messages: items, questions: [question], malformed: 0, ...more });
}

describe('a question that several must answer', () => {
  it('says who must, who may and who has, where people look for it', async () => {
    const { on, part } = await asked();
    const requires = '2 of sre (approvals.rules[0] of prod); sre: alice, bob or carol; who last changed the desired state is not known, so nobody is refused for it';
    const approvals = '0 of 2 of sre; still needed: 2 of sre (alice, bob or carol)';
    expect(part).toMatchObject({ requires, approvals });
    expect(on.told.find((notice) => notice.event === 'approval-needed')?.text).toContain(`Who must approve: ${requires}.`);
    expect((await on.ledger.incident(FIRST, 1))?.parts[0]).toMatchObject({ requires, approvals });
  });

  it('counts the first and stays open, and goes on with the second', async () => {
    const { on, part } = await asked();
    const first = only(await judge(on, part, [approve(part, 'alice')]));
    expect(first).toMatchObject({ result: 'accepted', parts: [], vote: { part: 1, standing: '1 of 2 of sre (alice); still needed: 1 more of sre (bob or carol)' } });
    expect(await on.ledger.decisionOf(part.ask ?? '')).toBeUndefined();
    expect((await on.ledger.incident(FIRST, 1))?.parts[0]).toMatchObject({ phase: 'awaiting-approval', approvals: first.vote?.standing });
    const second = only(await judge(on, part, [approve(part, 'bob')]));
    expect(second).toMatchObject({ result: 'accepted', parts: [1], message: expect.stringContaining('2 of 2 of sre (alice, bob)') as string });
    expect(await on.ledger.decisionOf(part.ask ?? '')).toMatchObject({ decision: 'approve', by: 'bob', with: ['alice'] });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'staged' });
    expect((await on.entries('voted')).map((entry) => entry.by)).toEqual(['alice']);
  });

  it('counts one person through two names once', async () => {
    const { on, part } = await asked();
    const answers = await judge(on, part, [approve(part, 'alice'), approve(part, 'oidc:alice@example.com'), approve(part, 'Alice', { reason: 'again' }), approve(part, 'os:asmith')]);
    expect(answers.map((answer) => answer.result)).toEqual(['accepted', 'already-decided', 'already-decided', 'already-decided']);
    expect(answers[1]?.message).toMatch(/alice has approved plan [0-9a-f]{12} already, and counts once: 1 of 2 of sre/);
    expect(await on.ledger.decisionOf(part.ask ?? '')).toBeUndefined();
  });

  it.each([
    { who: 'dave', reason: 'a member of another group', says: /dave is not among those who may approve this: 2 of sre/ },
    { who: 'mallory', reason: 'a stranger', says: /mallory is not among/ },
  ])('refuses $reason for who it is, and records it', async ({ who, says }) => {
    const { on, part } = await asked();
    expect(only(await judge(on, part, [approve(part, who)]))).toMatchObject({ result: 'refused', unauthorised: true, message: expect.stringMatching(says) as string });
    expect(await on.ledger.votes(part.ask ?? '')).toEqual([]);
    expect(await on.entries('refused')).toHaveLength(1);
  });

  it('ends with the rejection of one of them, and with nobody else’s', async () => {
    const { on, part } = await asked();
    await judge(on, part, [approve(part, 'alice')]);
    expect(only(await judge(on, part, [reject('mallory')]))).toMatchObject({ result: 'refused', unauthorised: true });
    expect(only(await judge(on, part, [reject('bob')]))).toMatchObject({ result: 'accepted', parts: [1] });
    await expect(on.run('stage', refOf(part))).rejects.toThrow('nobody approved');
  });

  it('retried after a crash at any point gives the same answers and counts nobody twice', async () => {
    const { on, part } = await asked();
    const messages = [approve(part, 'alice'), approve(part, 'alice'), approve(part, 'bob'), reject('carol')];
    const first = await judge(on, part, messages);
    expect(first.map((answer) => answer.result)).toEqual(['accepted', 'accepted', 'accepted', 'already-decided']);
    expect(await judge(on, part, messages)).toEqual(first);
    expect(await on.ledger.votes(part.ask ?? '')).toHaveLength(1);
    expect(await on.ledger.decisions(FIRST)).toHaveLength(1);
  });

  it('counts nothing of a run that a reset replays, neither the vote nor the approval that completed it', async () => {
    const { on, part } = await asked();
    await judge(on, part, [approve(part, 'alice')]);
    const again = only((await on.assess({ run: OTHER_RUN, ordinal: 1, parts: [] })).parts);
    expect(again.ask).not.toBe(part.ask);
    const replayed = only(await judge(on, again, [approve(part, 'alice')], { run: OTHER_RUN }));
    expect(replayed).toMatchObject({ result: 'refused', replayed: true, parts: [] });
    expect(replayed.vote).toBeUndefined();
    expect(await on.ledger.votes(again.ask ?? '')).toEqual([]);
    expect(only(await judge(on, again, [approve(part, 'alice', { reason: 'again, after the reset' })], { run: OTHER_RUN }))).toMatchObject({ result: 'accepted', parts: [] });
  });
});

it('two names that nobody proved are one vote where a rule of a rule file asks for two people, as its warning says', async () => {
  const policies = [{ name: 'rules.yaml', rules: [rule({ name: 'two', decision: 'ask', requires: { any: [{ group: 'sre', count: 2 }] } })], tests: [] }];
  const { on, part } = await asked({ environment: { approvals: APPROVALS }, policies });
  const answers = await judge(on, part, [approve(part, 'alice'), approve(part, 'bob'), approve(part, 'carol')]);
  expect(answers.map((answer) => answer.parts)).toEqual([[], [], []]);
  expect(answers.at(-1)?.message).toMatch(/names that nobody proved count as one/);
  expect(await on.ledger.decisionOf(part.ask ?? '')).toBeUndefined();
  await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: 'carol', verified: false, at: on.at(), run: RUN, message: 'forged' });
  expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'moved' });
});

it.each(['hold', 'ask'] as const)('a rule that says %s takes away nobody whom another rule asks for', async (decision) => {
  const rules = [rule({ name: 'leads', decision: 'ask', requires: { any: [{ group: 'leads', count: 1 }] } }), rule({ name: 'other', decision })];
  const { on, part } = await asked({ environment: { approvals: APPROVALS }, policies: [{ name: 'rules.yaml', rules, tests: [] }] });
  expect(part.decision).toBe(decision);
  expect(only(await judge(on, part, [approve(part, 'alice')]))).toMatchObject({ result: 'refused', unauthorised: true });
  await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'forged' });
  expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'moved' });
});

describe('the write worker counts for itself', () => {
  it('and lets nothing through under a decision that one person’s word made, where rules ask for two', async () => {
    const { on, part } = await asked();
    await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: 'alice', verified: false, at: on.at(), run: RUN, message: 'forged' });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'moved', reason: expect.stringMatching(/approvals of plan [0-9a-f]{12} on record are not enough \(1 of 2 of sre \(alice\); still needed: 1 more/) as string });
  });

  it('under its own configuration: a rule that was made stricter meanwhile holds', async () => {
    const { on, part } = await asked({ environment: { approvals: APPROVALS } });
    expect(only(await judge(on, part, [approve(part, 'alice')]))).toMatchObject({ result: 'accepted', parts: [1] });
    const config = await on.deps.config();
    const [environment] = config.environments;
    const stricter = { ...config, environments: environment === undefined ? [] : [{ ...environment, approvals: TWO }] };
    expect(await on.run('stage', refOf(part), { worker: { config: () => Promise.resolve(stricter) } })).toMatchObject({ result: 'moved' });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'staged' });
  });

  it('and counts nobody who has left the group meanwhile', async () => {
    const { on, part } = await asked();
    await judge(on, part, [approve(part, 'alice'), approve(part, 'bob')]);
    const config = await on.deps.config();
    const without = { ...config, people: { ...PEOPLE, groups: { ...PEOPLE.groups, sre: ['bob', 'carol'] } } };
    expect(await on.run('stage', refOf(part), { worker: { config: () => Promise.resolve(without) } })).toMatchObject({ result: 'moved' });
  });
});

describe('who caused it, or wrote what is desired', () => {
  it('cannot approve, nor break the glass, and may still say no', async () => {
    const { on, part } = await asked({ environment: { approvals: { ...TWO, breakGlass: { group: 'sre', expiresMs: 1_800_000, unverified: true } } } });
    const ask = await on.ledger.askOf(part.ask ?? '');
    const causedBy = { ...part, ask: 'ask-caused' };
    await on.ledger.ask({ ...(ask ?? ({} as never)), id: 'ask-caused', causedBy: ['os:asmith'], authors: ['Bob <bob@example.com>'] });
    for (const more of [{}, { breakGlass: true as const, reason: 'now' }]) {
      expect(only(await judge(on, causedBy, [approve(part, 'alice', more)]))).toMatchObject({ result: 'refused', unauthorised: true, message: expect.stringMatching(/alice caused this change/) as string });
      expect(only(await judge(on, causedBy, [approve(part, 'bob', more)]))).toMatchObject({ result: 'refused', unauthorised: true, message: expect.stringMatching(/bob last changed the desired state/) as string });
    }
    expect(only(await judge(on, causedBy, [reject('alice')]))).toMatchObject({ result: 'accepted', parts: [1] });
  });
});

describe('escalation', () => {
  const LATER: Approvals = { ...TWO, escalate: [{ afterMs: 3_600_000, to: 'leads' }] };

  it('lets the next approve too, on record, told once, and the write worker counts them', async () => {
    const { on, part } = await asked({ environment: { approvals: LATER } });
    expect(part.escalate).toEqual([{ afterMs: 3_600_000, to: 'leads' }]);
    expect(only(await judge(on, part, [approve(part, 'dave')]))).toMatchObject({ result: 'refused' });
    const step = { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', step: 1, to: 'leads' };
    on.later(3_600_000);
    const first = await on.run('escalate', step);
    expect(first).toMatchObject({ requires: expect.stringContaining('since it was escalated also leads') as string, approvals: expect.stringContaining('alice, bob, carol or dave') as string });
    on.later(60_000);
    expect(await on.run('escalate', step), 'a step that is run again').toEqual(first);
    expect(await on.entries('escalated')).toHaveLength(1);
    const told = on.told.filter((notice) => notice.event === 'approval-escalated');
    expect(new Set(told.map((notice) => notice.sequence)).size).toBe(1);
    expect(told[0]?.text).toContain('leads may approve it too from now on');
    expect((await judge(on, part, [approve(part, 'dave'), approve(part, 'alice')])).map((answer) => answer.parts)).toEqual([[], [1]]);
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'staged' });
  });

  it.each([
    { trust: 'signed', key: ' --key ~/.ssh/id_ed25519', reason: 'without a signature it would be refused' },
    { trust: 'namespace', key: '', reason: 'nothing must be signed' },
  ] as const)('with trust $trust its message names the command that counts: $reason', async ({ trust, key }) => {
    const { on, part } = await asked({ environment: { approvals: { ...LATER, trust } } });
    on.later(3_600_000);
    await on.run('escalate', { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', step: 1, to: 'leads' });
    const [told] = on.told.filter((notice) => notice.event === 'approval-escalated');
    expect(told?.commands).toContain(`holdfast approve prod/storefront#1 --plan ${part.plan?.slice(0, 12) ?? ''}${key}`);
  });

  it('comes at no time before its own, whoever has started the workflow that says so, and that is on record', async () => {
    const { on, part } = await asked({ environment: { approvals: LATER } });
    const step = { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', step: 1, to: 'leads' };
    on.later(50 * 60_000);
    expect(await on.run('escalate', step)).toEqual({});
    expect(await on.entries('escalated')).toEqual([]);
    expect((await on.entries('refused')).map((entry) => entry.data['reason'])).toEqual([expect.stringContaining('leads may approve only later')]);
    expect(only(await judge(on, part, [approve(part, 'dave')]))).toMatchObject({ result: 'refused' });
    on.later(6 * 60_000);
    expect(await on.run('escalate', step), 'clocks of two workers lie minutes apart').toMatchObject({ requires: expect.stringContaining('leads') as string });
  });

  it('is taken back where the configuration says it no more', async () => {
    const { on, part } = await asked({ environment: { approvals: TWO } });
    expect(await on.run('escalate', { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', step: 1, to: 'leads' })).toEqual({});
    expect(await on.entries('escalated')).toEqual([]);
  });
});

describe('breaking the glass', () => {
  const GLASS: Approvals = { ...TWO, breakGlass: { group: 'leads', expiresMs: 1_800_000, unverified: true } };
  const broken = { breakGlass: true, reason: 'checkout is down' } as const;
  const shut = { windows: [{ kind: 'allow', start: '0 3 29 2 *', durationMs: 60_000, timezone: 'UTC', actions: ['stage', 'finalize'], overrun: false }] } as const;

  it('lets one of its group start alone, through a closed window, and tells everybody', async () => {
    const { on, part } = await asked({ environment: { approvals: GLASS, ...shut } });
    expect(part.gate).toMatchObject({ allowed: false, gate: 'window' });
    const answer = only(await judge(on, part, [approve(part, 'dave', broken)]));
    expect(answer).toMatchObject({ result: 'accepted', parts: [1], breakGlass: { startBy: '2026-11-02T09:30:00.000Z' } });
    expect(on.told.filter((notice) => notice.event === 'break-glass')).toMatchObject([{ title: 'prod/storefront#1: dave broke the glass', text: expect.stringContaining('checkout is down') as string }]);
    expect(await on.ledger.decisionOf(part.ask ?? '')).toMatchObject({ by: 'dave', breakGlass: { startBy: '2026-11-02T09:30:00.000Z' } });
    expect((await on.entries('approved'))[0]?.data).toMatchObject({ breakGlass: { startBy: '2026-11-02T09:30:00.000Z' }, reason: 'checkout is down' });
    expect(await on.run('askGates', refOf(part))).toMatchObject({ gate: { allowed: true } });
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'staged' });
  });

  it('holds for a repair that starts in time, and is asked again after it', async () => {
    const { on, part } = await asked({ environment: { approvals: GLASS } });
    await judge(on, part, [approve(part, 'dave', broken)]);
    on.later(1_800_001);
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'moved', reason: expect.stringContaining('it is asked again') as string });
  });

  it.each(['freeze', 'quarantine', 'flapping'] as const)('goes through no %s', async (gate) => {
    const { on, part } = await asked({ environment: { approvals: GLASS } });
    const [change] = (await on.ledger.plan(part.plan ?? ''))?.changes ?? [];
    const { fingerprint = '', revision = '', resource = '', path = '' } = change ?? {};
    await on.ledger.closeGate({ scope: 'prod/storefront', gate, by: 'alice', reason: 'stop', at: on.at(), ...(gate === 'freeze' ? {} : { fingerprint, revision, resource, path }) });
    await judge(on, part, [approve(part, 'dave', broken)]);
    expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'gate-closed', gate: { gate } });
  });

  it.each([
    { reason: 'who is in another group', by: 'alice', approvals: GLASS, says: /alice may not break the glass: leads may \(dave\)/, unauthorised: true },
    { reason: 'a stranger', by: 'mallory', approvals: GLASS, says: /mallory may not break the glass/, unauthorised: true },
    { reason: 'anybody where nobody may', by: 'dave', approvals: TWO, says: /nobody may break the glass here/, unauthorised: undefined },
    { reason: 'anybody where nothing proves a name and nobody said that this is meant', by: 'dave', approvals: { ...GLASS, breakGlass: { group: 'leads', expiresMs: 1, unverified: false } }, says: /nobody may break the glass here/, unauthorised: undefined },
  ])('is refused to $reason', async ({ by, approvals, says, unauthorised }) => {
    const { on, part } = await asked({ environment: { approvals } });
    const answer = only(await judge(on, part, [approve(part, by, broken)]));
    expect(answer).toMatchObject({ result: 'refused', message: expect.stringMatching(says) as string });
    expect(answer.unauthorised).toBe(unauthorised);
    expect(on.told.filter((notice) => notice.event === 'break-glass')).toEqual([]);
  });

  it('the write worker believes no row that says it of somebody who may not, nor one that holds longer than it may', async () => {
    for (const forged of [{ by: 'alice', startBy: '2026-11-02T09:10:00.000Z' }, { by: 'dave', startBy: '2027-01-01T00:00:00.000Z' }]) {
      const { on, part } = await asked({ environment: { approvals: GLASS } });
      await on.ledger.decide({ ...FIRST, ask: part.ask ?? '', decision: 'approve', plan: part.plan ?? '', by: forged.by, breakGlass: { startBy: forged.startBy }, verified: false, at: on.at(), run: RUN, message: 'forged' });
      expect(await on.run('stage', refOf(part))).toMatchObject({ result: 'moved' });
    }
  });
});

describe('votes and what drifts', () => {
  it('a change of its own lapses them, and the new question says what changed and whose word was for less', async () => {
    const { on, part } = await asked();
    await judge(on, part, [approve(part, 'alice')]);
    on.write('etc/app.yaml', 'port: 10\nhost: a\n');
    const answer = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] });
    expect(answer.gone).toMatchObject([{ part: 1, event: 'moved' }]);
    const again = only(answer.parts);
    const since = 'etc/app.yaml /port was 9, is 10; the approval of alice was for what it was before, and holds no more';
    expect(again).toMatchObject({ since, approvals: expect.stringContaining('0 of 2') as string });
    expect(on.told.filter((notice) => notice.event === 'approval-needed').at(-1)?.text).toContain(`Changed since it was asked before: ${since}.`);
    expect((await on.ledger.incident(FIRST, 1))?.parts.find((each) => each['part'] === 2)).toMatchObject({ since });
    expect(only(await judge(on, again, [approve(part, 'bob')]))).toMatchObject({ result: 'stale-plan' });
    expect(only(await judge(on, again, [approve(again, 'bob')]))).toMatchObject({ result: 'accepted', parts: [] });
  });

  it('an unrelated change lapses no vote', async () => {
    const { on, part } = await asked();
    await judge(on, part, [approve(part, 'alice')]);
    on.write('etc/motd', 'changed too\n');
    const answer = await on.assess({ ordinal: 2, nextPart: 2, parts: [standing(part)] });
    expect(answer.gone).toEqual([]);
    expect(only(await judge(on, part, [approve(part, 'bob')]))).toMatchObject({ result: 'accepted', parts: [1] });
  });
});

describe('what nobody is asked about', () => {
  const unplanned = { part: 1, phase: 'observed' as const, causedBy: [], impossible: 'a directory stands there' };
  const until = '2026-12-01T00:00:00Z';

  it.each<DecisionMessage>([
    { decision: 'reject', by: 'mallory', reason: 'no' },
    { decision: 'accept', by: 'mallory', reason: 'no', until },
    { decision: 'adopt', by: 'mallory', reason: 'no' },
  ])('$decision of what has no plan is for those whom the rules of the environment name', async (message) => {
    const { on, part } = await asked();
    expect(only(await judge(on, part, [message], { questions: [unplanned] }))).toMatchObject({ result: 'refused', unauthorised: true, parts: [] });
    expect(only(await judge(on, part, [{ ...message, by: 'carol' }], { questions: [unplanned] }))).toMatchObject({ result: 'accepted', parts: [1] });
  });

  const asking = { name: 'strays', on: { kind: ['unmanaged'] }, decision: 'ask', requires: { any: [{ group: 'sre', count: 2 }] } } as const;
  const SINGLE = { decision: 'adopt', reason: 'it stays', write: true } as const;

  /** A file that nobody wants there: it is not repaired, and could be adopted. */
  async function stray(options: BenchOptions = {}): Promise<{ on: Bench; part: AssessedPart; say: (message: DecisionMessage, causedBy?: readonly string[]) => Promise<Judged> }> {
    const on = await openBench({ target: { remediation: 'ask' }, spec: { unmanaged: 'report' }, people: PEOPLE, environment: { approvals: APPROVALS }, policies: [{ name: 'rules.yaml', tests: [], rules: [rule(asking)] }], ...options });
    const part = await openIncident(on, (each) => { each.write('etc/stray', 'x\n'); });
    expect(part).toMatchObject({ impossible: expect.stringContaining('etc/stray is not in the desired state') as string });
    const say = async (message: DecisionMessage, causedBy: readonly string[] = []): Promise<Judged> => {
      on.temporal.histories.set(RUN, [{ at: on.at(), signal: message.decision }]);
      return only(await on.run('judge', { incident: FIRST, run: RUN, messages: [{ message, via: { signal: message.decision, ordinal: 1 } }], questions: [{ ...unplanned, part: part.part, causedBy }], malformed: 0 }));
    };
    return { on, part, say };
  }

  it.each<DecisionMessage>([
    { decision: 'reject', by: 'dave', reason: 'no' },
    { decision: 'accept', by: 'dave', reason: 'no', until },
    { decision: 'adopt', by: 'dave', reason: 'no' },
  ])('$decision of what has no plan is for those whom a rule asks about its changes', async (message) => {
    const { say } = await stray();
    expect(await say(message)).toMatchObject({ result: 'refused', unauthorised: true, parts: [], message: expect.stringContaining('dave is not among those who decide about this: 2 of sre') as string });
    expect(await say({ ...message, by: 'carol' })).toMatchObject({ result: 'accepted', parts: [1] });
  });

  it('nobody writes it into the desired state alone where a rule asks for two, however the word came on record', async () => {
    const { on, part, say } = await stray();
    for (const by of ['dave', 'carol']) expect(await say({ ...SINGLE, by })).toMatchObject({ result: 'refused', unauthorised: true });
    const id = 'f'.repeat(32);
    await on.ledger.append({ at: on.at(), kind: 'decided', environment: 'prod', target: 'storefront', incident: 1, by: 'carol', data: { decision: 'adopt', id, run: RUN, parts: [part.part], reason: 'x', write: true, verified: false } });
    expect(await on.run('adopt', { incident: FIRST, part: part.part, phase: 'observed', id, run: RUN, round: 1 })).toMatchObject({ result: 'refused', reason: expect.stringContaining('nobody may write part 1') as string });
  });

  it('where no rule asks anybody, whoever did not cause it writes it, under whichever name they are known', async () => {
    const { say } = await stray({ policies: [] });
    expect(await say({ ...SINGLE, by: 'alice' }, ['os:asmith'])).toMatchObject({ result: 'refused', unauthorised: true, message: expect.stringContaining('alice caused this change') as string });
    expect(await say({ ...SINGLE, by: 'bob' }, ['os:asmith'])).toMatchObject({ result: 'accepted', parts: [1] });
    expect(await say({ decision: 'reject', by: 'alice', reason: 'it stays' }, ['os:asmith'])).toMatchObject({ result: 'accepted' });
  });

  it('an acceptance that is announced is for the same people, and so is its end', async () => {
    const { on } = await asked({ environment: { approvals: { ...TWO, escalate: [{ afterMs: 1, to: 'leads' }] } } });
    const say = (by: string, more: object = { until }) => on.run('command', { environment: 'prod', message: { command: 'accept', scope: 'prod/storefront', resource: 'etc/app.yaml', by, reason: 'mine', ...more }, run: 'r' }, { workflowId: 'environment/prod', workflowType: 'environment' });
    expect(await say('mallory')).toMatchObject({ ok: false, unauthorised: true, message: expect.stringContaining('mallory is not among those who decide here') as string });
    expect(await on.ledger.acceptances(FIRST)).toEqual([]);
    expect(await say('dave')).toMatchObject({ ok: true });
    expect(await say('mallory', { end: true })).toMatchObject({ ok: false, unauthorised: true });
    expect(await say('alice', { end: true })).toMatchObject({ ok: true });
  });
});
