import { describe, expect, it } from 'vitest';
import type { AssessedPart, InboxMessage, Judged, PartRef } from '../../src/activities/types.js';
import type { Config } from '../../src/config/config.js';
import type { DecisionMessage } from '../../src/domain/message.js';
import type { DecisionRow } from '../../src/ledger/ledger.js';
import { decisionStatement } from '../../src/trust/statement.js';
import { signer, type Signer } from '../support/ssh-signer.js';
import { FIRST, only, openBench, openIncident, OTHER_RUN, RUN, type Bench } from './bench.js';

const APPROVALS = { trust: 'signed', expiresMs: 4 * 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1 } as const;
const AT = '2026-11-02T09:30:00.000Z';

const alice = signer();
const alicesOther = signer('ecdsa-sha2-nistp256');
const bob = signer('ssh-rsa');
const stranger = signer();

interface Trial {
  readonly on: Bench;
  readonly part: AssessedPart;
  /** What every step reads from now on. */
  readonly configure: (change: (config: Config) => Config) => void;
}

type Keys = Readonly<Record<string, readonly { readonly signer: Signer; readonly from?: string; readonly until?: string }[]>>;

function withKeys(config: Config, keys: Keys): Config {
  const principals = Object.entries(keys).map(([name, own]) => ({ name, aliases: [], keys: own.map(({ signer: { line, fingerprint }, ...validity }) => ({ key: line, fingerprint, ...validity })) }));
  return { ...config, people: { principals, groups: {} } };
}

const KEYS: Keys = { alice: [{ signer: alice }, { signer: alicesOther }], bob: [{ signer: bob }] };

async function trial(): Promise<Trial> {
  let config: Config | undefined;
  const on = await openBench({ target: { remediation: 'ask' }, environment: { approvals: APPROVALS }, deps: { config: () => Promise.resolve(config as Config) } });
  config = withKeys(on.config, KEYS);
  return { on, part: await openIncident(on), configure: (change) => { config = change(on.config); } };
}

interface Signing {
  readonly with?: Signer;
  readonly by?: string;
  readonly ask?: string;
  readonly plan?: string;
  readonly number?: number;
  readonly project?: string;
  readonly namespace?: string;
  /** What is said beside what is signed. */
  readonly said?: Partial<DecisionMessage>;
  readonly message?: Partial<DecisionMessage>;
}

function signed({ plan = '', ask = '' }: AssessedPart, how: Signing = {}): DecisionMessage {
  const message: DecisionMessage = { decision: 'approve', by: how.by ?? 'alice', plan: plan.slice(0, 12), ...how.message };
  const statement = decisionStatement({ project: how.project ?? 'shop', incident: { ...FIRST, number: how.number ?? 1 }, question: { plan: how.plan ?? plan, ask: how.ask ?? ask } }, message);
  return { ...message, signature: (how.with ?? alice).sign(statement, how.namespace === undefined ? {} : { namespace: how.namespace }), ...how.said };
}

async function judged({ on, part }: Trial, message: DecisionMessage, run = RUN): Promise<Judged> {
  on.temporal.histories.set(run, [{ at: AT, signal: message.decision }]);
  const { plan, ask, expiresAt } = part;
  const item: InboxMessage = { message, via: { signal: message.decision, ordinal: 1 } };
  const question = { part: 1, phase: 'awaiting-approval' as const, causedBy: [], ...(plan === undefined ? {} : { plan }), ...(ask === undefined ? {} : { ask }), ...(expiresAt === undefined ? {} : { expiresAt }) };
  return only(await on.run('judge', { incident: FIRST, run, messages: [item], questions: [question], malformed: 0 }));
}

function ref({ part }: Trial): PartRef {
  return { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', run: RUN, round: 1 };
}

describe('judging a signed decision', () => {
  it.each([
    { reason: 'alice has signed it', how: {} },
    { reason: 'her second key is as good', how: { with: alicesOther } },
    { reason: 'an RSA key', how: { with: bob, by: 'bob' } },
    { reason: 'a reason is signed with it', how: { message: { reason: 'the new port is wrong' } } },
  ] satisfies { reason: string; how: Signing }[])('accepts it: $reason', async ({ how }) => {
    const it = await trial();
    expect(await judged(it, signed(it.part, how))).toMatchObject({ result: 'accepted', parts: [1] });
    const row = await it.on.ledger.decisionOf(it.part.ask ?? '');
    expect(row).toMatchObject({ verified: true, key: (how.with ?? alice).fingerprint, at: AT });
    expect(await it.on.run('stage', ref(it))).toMatchObject({ result: 'staged' });
    expect(only(await it.on.entries('approved')).data).toMatchObject({ verified: true, key: (how.with ?? alice).fingerprint });
  });

  it.each([
    { reason: 'no signature', how: { said: { signature: undefined as unknown as string } }, says: /carries no signature/ },
    { reason: 'rubbish for a signature', how: { said: { signature: 'x' } }, says: /cannot be read/ },
    { reason: 'a key that nobody registered', how: { with: stranger }, says: /is not registered: principals\.alice\.keys/ },
    { reason: 'bob signs under the name of alice', how: { with: bob }, says: /registered for bob, and alice cannot/ },
    { reason: 'what bob signed is sent in the name of alice', how: { with: bob, by: 'bob', said: { by: 'alice' } }, says: /registered for bob/ },
    { reason: 'what alice signed under the name of bob', how: { by: 'bob', said: { by: 'alice' } }, says: /is not over this decision/ },
    { reason: 'signed for Git', how: { namespace: 'git' }, says: /made for something else: sign with ssh-keygen -Y sign -n holdfast-approval/ },
    { reason: 'signed for a file', how: { namespace: 'file' }, says: /made for something else/ },
    { reason: 'another plan was signed', how: { plan: 'f'.repeat(64) }, says: /is not over this decision/ },
    { reason: 'another incident was signed', how: { number: 2 }, says: /is not over this decision/ },
    { reason: 'another project was signed', how: { project: 'bank' }, says: /is not over this decision/ },
    { reason: 'an earlier question about the same plan was signed', how: { ask: 'e'.repeat(32) }, says: /is not over this decision/ },
    { reason: 'a rejection was signed', how: { message: { decision: 'reject', reason: 'no' }, said: { decision: 'approve' } }, says: /is not over this decision/ },
    { reason: 'the reason was changed', how: { message: { reason: 'for a day' }, said: { reason: 'for ever' } }, says: /is not over this decision/ },
    { reason: 'a reason was added', how: { said: { reason: 'x' } }, says: /is not over this decision/ },
    { reason: 'whoever passes it on breaks the glass with it', how: { message: { reason: 'outage' }, said: { breakGlass: true } }, says: /is not over this decision/ },
    { reason: 'the date was changed', how: { message: { decision: 'accept', reason: 'x', until: '2026-11-03T00:00:00Z' }, said: { until: '2036-11-03T00:00:00Z' } }, says: /is not over this decision/ },
  ] satisfies { reason: string; how: Signing; says: RegExp }[])('refuses it and records it: $reason', async ({ how, says }) => {
    const it = await trial();
    const answer = await judged(it, signed(it.part, how));
    expect(answer).toMatchObject({ result: 'refused', parts: [], unauthorised: true });
    expect(answer.message).toMatch(says);
    expect(await it.on.ledger.decisions(FIRST)).toEqual([]);
    expect(only(await it.on.entries('refused')).data['reason']).toMatch(says);
    await expect(it.on.run('stage', ref(it))).rejects.toThrow(/nobody approved/);
  });

  it.each([
    { reason: 'not yet', validity: { from: '2026-11-02T09:30:00.001Z' }, result: 'refused', says: /signs from 2026-11-02/ },
    { reason: 'from then on', validity: { from: AT }, result: 'accepted' },
    { reason: 'still', validity: { until: '2026-11-02T09:30:00.001Z' }, result: 'accepted' },
    { reason: 'not any more', validity: { until: AT }, result: 'refused', says: /signs nothing since/ },
  ])('a key signs within its time, by the time of the server: $reason', async ({ validity, result, says }) => {
    const it = await trial();
    it.configure((config) => withKeys(config, { alice: [{ signer: alice, ...validity }] }));
    const answer = await judged(it, signed(it.part));
    expect(answer.result).toBe(result);
    if (says !== undefined) expect(answer.message).toMatch(says);
  });

  it('the same words about a question that is asked again are another message, and no replay', async () => {
    const it = await trial();
    await judged(it, signed(it.part));
    const again = await it.on.assess({ ordinal: 2, nextPart: 2, run: OTHER_RUN });
    const part = only(again.parts);
    expect(part.plan).toBe(it.part.plan);
    expect(await judged({ ...it, part }, signed(it.part), OTHER_RUN)).toMatchObject({ result: 'refused' });
    expect(await judged({ ...it, part }, signed(part), OTHER_RUN)).toMatchObject({ result: 'accepted' });
  });

  it('where names are taken as given, a signature that is there must be good all the same', async () => {
    const it = await trial();
    it.configure((config) => withKeys({ ...config, environments: config.environments.map((each) => ({ ...each, approvals: { ...each.approvals, trust: 'namespace' } })) }, KEYS));
    expect(await judged(it, signed(it.part, { with: stranger }))).toMatchObject({ result: 'refused' });
    expect(await judged(it, signed(it.part))).toMatchObject({ result: 'accepted' });
    expect(await it.on.ledger.decisionOf(it.part.ask ?? '')).toMatchObject({ verified: true });
  });
});

describe('the write worker looks for itself', () => {
  const approved = async (): Promise<Trial> => {
    const it = await trial();
    await judged(it, signed(it.part));
    return it;
  };

  const lost: { readonly reason: string; readonly keys: Keys; readonly says: RegExp }[] = [
    { reason: 'the key was taken out of the configuration meanwhile', keys: { alice: [{ signer: alicesOther }] }, says: /does not hold any more: key SHA256:\S+ is not registered/ },
    { reason: 'the key is said to have ended before the approval', keys: { alice: [{ signer: alice, until: '2026-11-02T09:00:00Z' }] }, says: /signs nothing since/ },
    { reason: 'the key is registered for somebody else', keys: { alice: [], bob: [{ signer: alice }] }, says: /registered for bob/ },
  ];
  it.each(lost)('asks again when $reason', async ({ keys, says }) => {
    const it = await approved();
    it.configure((config) => withKeys(config, keys));
    const answer = await it.on.run('stage', ref(it));
    expect(answer).toMatchObject({ result: 'moved', reason: expect.stringMatching(says) as string });
    expect(only(await it.on.entries('refused')).data['reason']).toMatch(says);
    expect(await it.on.ledger.intents({ incident: FIRST })).toEqual([]);
  });

  it('a key that has ended since then has approved in time', async () => {
    const it = await approved();
    it.configure((config) => withKeys(config, { alice: [{ signer: alice, until: '2026-11-02T09:30:00.001Z' }] }));
    it.on.later(86_400_000);
    expect(await it.on.run('stage', ref(it))).toMatchObject({ result: 'staged' });
  });

  it('before the switch as well: a key that is taken out between stage and finalize', async () => {
    const it = await approved();
    await it.on.run('stage', ref(it));
    it.configure((config) => withKeys(config, {}));
    const before = it.on.read('etc/app.yaml');
    expect(await it.on.run('finalize', ref(it))).toMatchObject({ result: 'moved' });
    expect(it.on.read('etc/app.yaml')).toBe(before);
  });

  type Forgery = (it: Trial) => { readonly statement: string; readonly signature: string } | undefined;
  const over = (statement: string, by = alice): ReturnType<Forgery> => ({ statement, signature: by.sign(statement) });
  const honest = ({ part }: Trial, more: Partial<{ ask: string; plan: string; number: number; decision: DecisionMessage['decision']; by: string }> = {}): string =>
    decisionStatement({ project: 'shop', incident: { ...FIRST, number: more.number ?? 1 }, question: { plan: more.plan ?? part.plan ?? '', ask: more.ask ?? part.ask ?? '' } }, { decision: more.decision ?? 'approve', by: more.by ?? 'alice' });
  const forgeries: { readonly reason: string; readonly forge: Forgery; readonly row?: Partial<DecisionRow>; readonly moved?: true; readonly says: RegExp }[] = [
    { reason: 'no signature at all', forge: () => undefined, moved: true, says: /carries no signature/ },
    { reason: 'a key of the forger', forge: (it) => over(honest(it), stranger), moved: true, says: /is not registered/ },
    { reason: 'words that were changed after they were signed', forge: (it) => ({ statement: honest(it), signature: alice.sign(honest(it, { plan: 'f'.repeat(64) })) }), says: /is not over this decision/ },
    { reason: 'a signature of another plan', forge: (it) => over(honest(it, { plan: 'f'.repeat(64) })), says: /about another plan/ },
    { reason: 'a signature of another incident', forge: (it) => over(honest(it, { number: 7 })), says: /about another incident/ },
    { reason: 'a signature of another question', forge: (it) => over(honest(it, { ask: 'old' })), says: /about another ask/ },
    { reason: 'a rejection that was signed', forge: (it) => over(honest(it, { decision: 'reject' })), says: /about another decision/ },
    { reason: 'what somebody else signed', forge: (it) => over(honest(it, { by: 'bob' }), bob), says: /was signed by another/ },
    { reason: 'an honest signature, and the glass broken beside it', forge: (it) => over(honest(it)), row: { breakGlass: { startBy: '2999-01-01T00:00:00.000Z' } }, says: /about another breakGlass/ },
    { reason: 'rubbish', forge: () => ({ statement: '[]', signature: 'x' }), says: /about another version/ },
    { reason: 'words that are no JSON', forge: () => over('{'), says: /about another version/ },
  ];
  it.each(forgeries)('a decision that was written into the record with $reason lets nothing be written', async ({ forge, row = {}, moved, says }) => {
    const it = await trial();
    const { plan = '', ask = '' } = it.part;
    const forged = forge(it);
    await it.on.ledger.decide({ ...FIRST, ask, plan, decision: 'approve', by: 'alice', verified: true, at: AT, run: RUN, message: 'forged', key: alice.fingerprint, ...(forged === undefined ? {} : { signed: forged }), ...row });
    if (moved === true) expect(await it.on.run('stage', ref(it))).toMatchObject({ result: 'moved', reason: expect.stringMatching(says) as string });
    else await expect(it.on.run('stage', ref(it))).rejects.toThrow(says);
    expect(only(await it.on.entries('refused')).data['reason']).toMatch(says);
    expect(await it.on.ledger.intents({ incident: FIRST })).toEqual([]);
  });

  it('what the rules allow needs nobody', async () => {
    const on = await openBench({ environment: { approvals: APPROVALS } });
    const part = await openIncident(on);
    expect(await on.run('stage', { incident: FIRST, part: 1, plan: part.plan ?? '', ask: part.ask ?? '', run: RUN, round: 1 })).toMatchObject({ result: 'staged' });
  });
});

it.each(['reject', 'accept'] as const)('a signed %s of what has no plan is on record, and is not taken again after a reset', async (decision) => {
  const { on } = await trial();
  const message: DecisionMessage = { decision, by: 'alice', reason: 'it stays', ...(decision === 'accept' ? { until: '2026-12-01T00:00:00Z' } : {}) };
  const sent = { ...message, signature: alice.sign(decisionStatement({ project: 'shop', incident: FIRST, question: { part: 2 } }, message)) };
  const say = async (run: string): Promise<Judged> => {
    on.temporal.histories.set(run, [{ at: AT, signal: decision }]);
    return only(await on.run('judge', { incident: FIRST, run, messages: [{ message: sent, via: { signal: decision, ordinal: 1 } }], questions: [{ part: 2, phase: 'observed', causedBy: [] }], malformed: 0 }));
  };
  expect(await say(RUN)).toMatchObject({ result: 'accepted', parts: [2] });
  expect(await say(RUN)).toMatchObject({ result: 'accepted', parts: [2] });
  expect(await say(OTHER_RUN)).toMatchObject({ result: 'refused', parts: [], replayed: true });
  expect((await on.entries('decided')).map((entry) => [entry.by, entry.data['decision'], entry.data['parts']])).toEqual([['alice', decision, [2]]]);
});
