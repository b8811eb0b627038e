import { describe, expect, it } from 'vitest';
import type { CommandDone } from '../../src/activities/types.js';
import type { CommandMessage } from '../../src/domain/message.js';
import { commandStatement } from '../../src/trust/statement.js';
import { signer, type Signer } from '../support/ssh-signer.js';
import { openBench, type Bench, type Runner } from './bench.js';

const alice = signer();
const bob = signer();
const ci = signer();
const PEOPLE = { principals: [{ name: 'alice', aliases: [], keys: [{ key: alice.line, fingerprint: alice.fingerprint }] }, { name: 'bob', aliases: [], keys: [{ key: bob.line, fingerprint: bob.fingerprint }] }, { name: 'ci', aliases: [], keys: [{ key: ci.line, fingerprint: ci.fingerprint }] }], groups: { sre: ['alice', 'bob'] } };
const NOW = '2026-11-02T09:00:00.000Z';

function bench(trust: 'signed' | 'namespace' = 'signed', asked = {}): Promise<Bench> {
  return openBench({ people: PEOPLE, environment: { approvals: { trust, ...asked, expiresMs: 3_600_000, remindMs: [], onExpiry: 'hold', settledMs: 1 } } });
}

function said(overrides: Partial<CommandMessage> = {}): CommandMessage {
  return { command: 'unfreeze', scope: 'prod', by: 'alice', reason: 'go on', ...overrides };
}

function signedBy(by: Signer, message: CommandMessage, sent: Partial<CommandMessage> = {}): CommandMessage {
  const dated = { signedAt: NOW, ...message };
  return { ...dated, signature: by.sign(commandStatement('shop', dated)), ...sent };
}

function command(on: Bench, message: CommandMessage, runner: Runner = {}): Promise<CommandDone> {
  return on.run('command', { environment: 'prod', message, run: 'r' }, { workflowId: 'environment/prod', workflowType: 'environment', ...runner });
}

async function frozen(trust?: 'signed' | 'namespace'): Promise<Bench> {
  const on = await bench(trust);
  expect(await command(on, said({ command: 'freeze', reason: 'stop' }))).toMatchObject({ ok: true });
  return on;
}

describe('a command where decisions must be signed', () => {
  it.each<{ readonly message: CommandMessage; readonly reason: string }>([
    { message: said(), reason: 'it resumes what waits' },
    { message: said({ scope: '*' }), reason: 'it resumes what waits here too, whichever environment is told' },
    { message: said({ command: 'release', gate: 'quarantine' }), reason: 'what was rolled back could be tried again' },
    { message: said({ command: 'retry', scope: 'prod/storefront', incident: 1 }), reason: 'it forgets what was decided' },
    { message: said({ command: 'undo', scope: 'prod/storefront', incident: 1 }), reason: 'it writes' },
    { message: said({ command: 'accept', scope: 'prod/storefront', resource: 'etc/motd', until: '2026-12-01T00:00:00Z' }), reason: 'it keeps drift quiet' },
  ])('$message.command of $message.scope needs a signature: $reason', async ({ message }) => {
    const on = await frozen();
    expect(await command(on, message)).toMatchObject({ ok: false, unauthorised: true, message: expect.stringContaining('carries no signature') as string });
    expect(await on.entries('refused')).toHaveLength(1);
    expect((await on.ledger.allClosedGates(on.at())).map((row) => row.gate)).toEqual(['freeze']);
    // With one, it goes as far as it would without.
    expect(await command(on, signedBy(alice, message))).not.toMatchObject({ unauthorised: true });
  });

  it('a freeze needs none: it stops', async () => {
    const on = await frozen();
    expect((await on.ledger.allClosedGates(on.at())).map((row) => row.gate)).toEqual(['freeze']);
  });

  it.each([
    { until: '2030-01-01T00:00:00Z', reason: 'it would end sooner' },
    { until: '2026-11-02T09:00:00.001Z', reason: 'it would end at once' },
    { until: '9999-12-31T23:59:59-23:59', reason: 'in UTC its year has five digits, and sorts before every other' },
    { until: '2031-99-99T99:99:99Z', reason: 'it is no time' },
  ])('a freeze that stands is not lifted by an unsigned one until $until: $reason', async ({ until }) => {
    const on = await bench();
    expect(await command(on, said({ command: 'freeze', until: '2031-01-01T00:00:00Z' }))).toMatchObject({ ok: true });
    await command(on, said({ command: 'freeze', by: 'mallory', until }));
    expect((await on.ledger.allClosedGates(on.at())).map((row) => [row.by, row.until])).toEqual([['alice (unverified)', '2031-01-01T00:00:00.000Z']]);
  });

  it.each([
    { sign: false, by: 'alice (unverified)', reason: 'anybody could have said it' },
    { sign: true, by: 'alice', reason: 'it is hers' },
  ])('a freeze is told as by $by: $reason', async ({ sign, by }) => {
    const on = await bench();
    const message = said({ command: 'freeze', reason: 'stop' });
    expect(await command(on, sign ? signedBy(alice, message) : message)).toMatchObject({ ok: true });
    expect((await on.ledger.allClosedGates(on.at())).map((row) => row.by)).toEqual([by]);
    expect(on.told.map((notice) => notice.title)).toEqual([`prod is frozen by ${by}`]);
  });

  it('is recorded with who signed it', async () => {
    const on = await frozen();
    expect(await command(on, signedBy(alice, said()))).toMatchObject({ ok: true });
    expect((await on.entries('decided')).map((entry) => entry.data)).toEqual([expect.objectContaining({ decision: 'unfreeze', verified: true, key: alice.fingerprint })]);
  });

  it.each<{ readonly reason: string; readonly message: CommandMessage; readonly says: RegExp }>([
    { reason: 'the key of somebody else', message: signedBy(bob, said()), says: /registered for bob/ },
    { reason: 'a key that nobody registered', message: signedBy(signer(), said()), says: /is not registered/ },
    { reason: 'another scope was signed', message: signedBy(alice, said({ scope: 'dev' }), { scope: 'prod' }), says: /is not over this decision/ },
    { reason: 'another command was signed', message: signedBy(alice, said({ command: 'freeze' }), { command: 'unfreeze' }), says: /is not over this decision/ },
    { reason: 'another reason was signed', message: signedBy(alice, said({ reason: 'x' }), { reason: 'y' }), says: /is not over this decision/ },
    { reason: 'signed a quarter of an hour ago', message: signedBy(alice, said({ signedAt: '2026-11-02T08:44:59.999Z' })), says: /good for 15 minutes/ },
    { reason: 'signed for another day', message: signedBy(alice, said({ signedAt: '2026-11-03T09:00:00.000Z' })), says: /good for 15 minutes/ },
    { reason: 'the time was changed', message: signedBy(alice, said({ signedAt: '2026-11-02T08:00:00.000Z' }), { signedAt: NOW }), says: /is not over this decision/ },
    { reason: 'no time was signed', message: { ...said(), signature: alice.sign(commandStatement('shop', said())) }, says: /carries no signature/ },
  ])('is refused: $reason', async ({ message, says }) => {
    const on = await frozen();
    const answer = await command(on, message);
    expect(answer).toMatchObject({ ok: false, unauthorised: true });
    expect(answer.message).toMatch(says);
    expect(await on.ledger.allClosedGates(on.at())).toHaveLength(1);
  });

  it('one signature is good for one command, and a step that is tried again is the same one', async () => {
    const on = await frozen();
    const message = signedBy(alice, said());
    expect(await command(on, message)).toMatchObject({ ok: true });
    expect(await command(on, message)).not.toMatchObject({ unauthorised: true });
    expect(await command(on, message, { runId: '33333333-3333-4333-8333-333333333333' })).toMatchObject({ ok: false, unauthorised: true, message: expect.stringContaining('used before') as string });
  });
});

describe('where approval rules name a group, who resumes is one of it', () => {
  const RULES = { rules: [{ any: [{ group: 'sre', count: 1 }] }] };
  const KEYS = { alice, bob, ci };
  type Said = Partial<CommandMessage> & { readonly by: keyof typeof KEYS; readonly isUnsigned?: true };
  const UNFREEZE = { command: 'unfreeze', by: 'ci' } as const;
  const BUSY = { command: 'freeze', gate: 'busy', until: '2026-11-02T10:00:00.000Z' } as const;

  it.each<{ readonly before: readonly Said[]; readonly then: Said; readonly ok: boolean; readonly reason: string }>([
    { before: [{ command: 'freeze', by: 'alice' }], then: { ...UNFREEZE, by: 'bob' }, ok: true, reason: 'another of the group' },
    { before: [{ command: 'freeze', by: 'alice' }], then: UNFREEZE, ok: false, reason: 'a key that is in no group' },
    { before: [{ command: 'freeze', by: 'alice', scope: '*' }], then: { ...UNFREEZE, scope: '*' }, ok: false, reason: 'what is said to everything is said to this environment too' },
    { before: [{ ...BUSY, by: 'ci' }], then: UNFREEZE, ok: true, reason: 'a pipeline ends its own work' },
    { before: [{ command: 'freeze', by: 'ci' }], then: UNFREEZE, ok: true, reason: 'and its own freeze' },
    { before: [{ ...BUSY, by: 'ci', isUnsigned: true }], then: UNFREEZE, ok: false, reason: 'anybody could have said that it was the pipeline' },
    { before: [{ command: 'freeze', by: 'alice', until: '2026-11-02T10:00:00.000Z' }, { command: 'freeze', by: 'ci' }], then: UNFREEZE, ok: false, reason: 'one that lasts longer does not make the other its own' },
    { before: [{ command: 'freeze', by: 'alice' }, { ...BUSY, by: 'bob' }, { command: 'release', gate: 'busy', by: 'bob' }], then: UNFREEZE, ok: false, reason: 'the work is over, the freeze stands' },
    { before: [{ command: 'freeze', by: 'alice' }, { command: 'unfreeze', by: 'alice' }, { command: 'freeze', by: 'ci' }], then: UNFREEZE, ok: true, reason: 'what alice stopped she let go on' },
    { before: [{ command: 'freeze', by: 'alice', scope: 'prod/storefront' }, { command: 'freeze', by: 'ci' }], then: UNFREEZE, ok: true, reason: 'that of the target is another, and stands' },
    { before: [], then: { command: 'release', gate: 'quarantine', by: 'ci' }, ok: false, reason: 'what was rolled back could be tried again' },
    { before: [], then: { command: 'retry', scope: 'prod/storefront', incident: 1, by: 'ci' }, ok: false, reason: 'what was decided would be asked again' },
  ])('$then.command by $then.by, allowed $ok: $reason', async ({ before, then, ok }) => {
    const on = await bench('signed', RULES);
    const say = ({ isUnsigned, ...rest }: Said): Promise<CommandDone> => {
      const message = said({ reason: 'go on', ...rest });
      return command(on, isUnsigned === true ? message : signedBy(KEYS[rest.by], message));
    };
    for (const each of before) expect(await say(each)).toMatchObject({ ok: true });
    const standing = (await on.ledger.allClosedGates(on.at())).length;
    const answer = await say(then);
    expect(answer).toMatchObject(ok ? { ok: true } : { ok: false, unauthorised: true, message: expect.stringContaining('ci is not among those who decide here: 1 of sre') as string });
    expect(await on.ledger.allClosedGates(on.at())).toHaveLength(ok ? standing - 1 : standing);
  });
});

it('where names are taken as given, no command needs a signature, and a wrong one is refused', async () => {
  const on = await frozen('namespace');
  expect(await command(on, signedBy(signer(), said()))).toMatchObject({ ok: false, unauthorised: true });
  expect(await command(on, said())).toMatchObject({ ok: true });
});
