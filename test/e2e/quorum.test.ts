import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DecideInput, EnvironmentCommand } from '../../src/client.js';
import type { CommandMessage } from '../../src/domain/message.js';
import type { EntryKind } from '../../src/ledger/ledger.js';
import { commandStatement, decisionStatement } from '../../src/trust/statement.js';
import { environmentWorkflowId, type CommandAnswer, type DecideAnswer } from '../../src/workflows/messages.js';
import { askedOf, type AskedQuestion as Question } from '../support/asked.js';
import { devServer, type DevServer } from '../support/dev-server.js';
import { checkStatements } from '../support/evidence.js';
import { addressOf, handleOf, newNamespace, openLaboratory, type Laboratory } from '../support/laboratory.js';
import { shipped, type Shipped } from '../support/shipped.js';
import { resetBefore } from '../support/signals.js';
import { signer, type Signer } from '../support/ssh-signer.js';
import { readTree } from '../support/trees.js';
import { eventually } from '../support/waiting.js';

/*
 * The same threats where two people of a group must approve: a real Temporal server, `holdfast worker`
 * as it is shipped, and people who sign with keys of their own.
 */

const NAMES = ['twice', 'crowd', 'stopped', 'reset', 'older', 'cli', 'glass', 'outsider'] as const;
const FILES = { 'etc/app.json': '{"port":80}\n' };
const DRIFT = { 'etc/app.json': '{"port":81}\n' };

const KEYS = { alice: signer(), bob: signer('ecdsa-sha2-nistp256'), carol: signer(), dave: signer(), erin: signer() } as const;
const alicesOther = signer();
type Person = keyof typeof KEYS;

let server: DevServer;
let lab: Laboratory;
let repository: string;

beforeAll(async () => {
  repository = mkdtempSync(join(tmpdir(), 'holdfast-quorum-'));
  const git = (...args: string[]): void => {
    const alice = { GIT_AUTHOR_NAME: 'Alice', GIT_AUTHOR_EMAIL: 'alice@corp.example', GIT_COMMITTER_NAME: 'Alice', GIT_COMMITTER_EMAIL: 'alice@corp.example' };
    execFileSync('git', ['-C', repository, ...args], { env: { ...process.env, ...alice } });
  };
  git('init', '--quiet', '--initial-branch=main');
  execFileSync('mkdir', ['-p', join(repository, 'shop/etc')]);
  writeFileSync(join(repository, 'shop/etc/app.json'), FILES['etc/app.json']);
  git('add', '-A');
  git('commit', '--quiet', '-m', 'the desired state');
  server = await devServer();
  const approvals = { trust: 'signed', rules: [{ any: [{ group: 'sre', count: 2 }] }], breakGlass: { group: 'leads', expires: '30m' } };
  lab = await openLaboratory(await newNamespace(server.address), {
    targets: [...NAMES.map((name) => ({ address: `prod/${name}`, files: FILES })), { address: 'prod/causer', files: FILES, more: { source: { git: `file://${repository}`, ref: 'main', path: 'shop' } } }],
    environments: { prod: { remediation: 'ask', limits: { concurrent: 50 }, approvals } },
    principals: {
      alice: { oidc: 'alice@example.com', aliases: ['alice@corp.example'], keys: [KEYS.alice.line, alicesOther.line] },
      ...Object.fromEntries((['bob', 'carol', 'dave', 'erin'] as const).map((name) => [name, { keys: [KEYS[name].line] }])),
    },
    groups: { sre: ['alice', 'bob', 'carol'], leads: ['dave'] },
  });
  await lab.worker();
  for (const name of [...NAMES, 'causer']) await lab.site.drift(`prod/${name}`, DRIFT);
  await lab.check('prod');
}, 300_000);

afterAll(async () => {
  await lab.close();
  await server.stop();
  rmSync(repository, { recursive: true, force: true });
}, 60_000);

const asked = (address: string): Promise<Question> => askedOf(lab, address);

interface Words extends Partial<DecideInput> {
  readonly with?: Signer;
}

function signed({ address, number, plan, ask }: Question, person: Person, { with: key = KEYS[person], ...words }: Words = {}): DecideInput {
  const message = { decision: 'approve' as const, by: person, ...words };
  const statement = decisionStatement({ project: 'site', incident: { ...addressOf(address), number }, question: { plan, ask } }, message);
  return { ...message, plan, signature: key.sign(statement) };
}

function decide(address: string, input: DecideInput): Promise<DecideAnswer> {
  return lab.client.decide(addressOf(address), input);
}

/** A command to the environment, signed by one person. */
function command(person: Person, message: Pick<CommandMessage, 'command' | 'scope'> & Partial<CommandMessage>): Promise<CommandAnswer> {
  const words = { by: person, reason: 'go on', signedAt: new Date().toISOString(), ...message };
  return lab.client.command('prod', { ...words, signature: KEYS[person].sign(commandStatement('site', words)) } as EnvironmentCommand);
}

async function count(address: string, kind: EntryKind): Promise<number> {
  return lab.withLedger(async (ledger) => {
    let found = 0;
    for await (const _ of ledger.entries({ ...addressOf(address), kinds: [kind] })) found += 1;
    return found;
  });
}

async function isAsDrifted(address: string): Promise<boolean> {
  return JSON.stringify(await readTree(lab.site.live(address))) === JSON.stringify(lab.site.before(address));
}

async function approveByTwo(address: string, people: readonly [Person, Person]): Promise<void> {
  const question = await asked(address);
  for (const person of people) expect(await decide(address, signed(question, person, { reason: `reviewed by ${person}` }))).toMatchObject({ result: 'accepted' });
  expect((await lab.untilClosed(address)).outcome).toBe('fixed');
  expect(await count(address, 'finalized')).toBe(1);
}

describe.concurrent('where two people must approve', () => {
  test('one person by two keys and two names is one person', async () => {
    const address = 'prod/twice';
    const question = await asked(address);
    expect(await decide(address, signed(question, 'alice'))).toMatchObject({ result: 'accepted', message: expect.stringContaining('1 of 2 of sre (alice); still needed: 1 more of sre (bob or carol)') as string });
    for (const again of [{ with: alicesOther }, { by: 'oidc:alice@example.com' }, { by: 'alice@corp.example', reason: 'once more' }]) {
      expect(await decide(address, signed(question, 'alice', again))).toMatchObject({ result: 'already-decided', message: expect.stringContaining('counts once') as string });
    }
    expect(await decide(address, signed(question, 'dave'))).toMatchObject({ result: 'refused', unauthorised: true });
    expect((await lab.status(address))?.parts[0]).toMatchObject({ phase: 'awaiting-approval', approvals: expect.stringContaining('1 of 2 of sre') as string });
    expect(await isAsDrifted(address)).toBe(true);
    expect(await decide(address, signed(question, 'bob'))).toMatchObject({ result: 'accepted' });
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
    expect([await count(address, 'voted'), await count(address, 'finalized')]).toEqual([1, 1]);
  }, 300_000);

  test('a hundred approvals, reordered with a rejection: the first that decides wins, and there is at most one write', async () => {
    const address = 'prod/crowd';
    const question = await asked(address);
    const { decision: _, ...alice } = signed(question, 'alice');
    const { decision: __, ...bob } = signed(question, 'bob');
    const { decision: ___, ...carol } = signed(question, 'carol', { decision: 'reject', reason: 'not now' });
    const handle = handleOf(lab, address);
    await Promise.all(Array.from({ length: 101 }, (____, index) => (index === 50 ? handle.signal('reject', carol) : handle.signal('approve', index % 2 === 0 ? alice : bob))));
    const { outcome } = await lab.untilClosed(address);
    expect(['fixed', 'rejected']).toContain(outcome);
    expect(await count(address, 'finalized')).toBe(outcome === 'fixed' ? 1 : 0);
    expect(await count(address, 'voted')).toBeLessThanOrEqual(1);
    expect(await lab.withLedger((ledger) => ledger.decisions({ ...addressOf(address), number: 1 }))).toHaveLength(1);
  }, 300_000);

  test('one who says no between two who say yes ends it, and the second yes writes nothing', async () => {
    const address = 'prod/stopped';
    const question = await asked(address);
    expect(await decide(address, signed(question, 'alice'))).toMatchObject({ result: 'accepted' });
    expect(await decide(address, signed(question, 'carol', { decision: 'reject', reason: 'an emergency value' }))).toMatchObject({ result: 'accepted' });
    await decide(address, signed(question, 'bob')).catch(() => undefined);
    expect((await lab.untilClosed(address)).outcome).toBe('rejected');
    expect(await isAsDrifted(address)).toBe(true);
    expect(await count(address, 'intent')).toBe(0);
  }, 300_000);

  test('a reset replays a whole quorum: it writes nothing, and two people are asked again', async () => {
    const address = 'prod/reset';
    await lab.client.command('prod', { command: 'freeze', scope: address, by: 'alice', reason: 'hold it' });
    const question = await asked(address);
    const payloads = (['alice', 'bob'] as const).map((person) => signed(question, person));
    for (const { decision: _, ...payload } of payloads) await handleOf(lab, address).signal('approve', payload);
    await lab.untilPhase(address, 'waiting');
    await resetBefore(lab, address, 'last task');
    const unfreeze = { command: 'unfreeze', scope: address, by: 'alice', reason: 'go on', signedAt: new Date().toISOString() } as const;
    expect(await lab.client.command('prod', { ...unfreeze, signature: KEYS.alice.sign(commandStatement('site', unfreeze)) })).toMatchObject({ ok: true });
    const again = await eventually('it is asked again', async () => { const now = (await lab.status(address))?.phase === 'awaiting-approval' ? await asked(address) : undefined; return now === undefined || now.ask === question.ask ? undefined : now; }, { last: () => lab.status(address) });
    expect(again.plan).toBe(question.plan);
    for (const payload of payloads) expect(await decide(address, payload)).toMatchObject({ result: 'refused' });
    expect(await isAsDrifted(address)).toBe(true);
    await approveByTwo(address, ['carol', 'bob']);
  }, 300_000);

  test('an approval of an older plan, or of another incident, is none of those that are needed now; the question says what changed', async () => {
    const address = 'prod/older';
    const first = await asked(address);
    expect(await decide(address, signed(first, 'alice'))).toMatchObject({ result: 'accepted' });
    await lab.site.drift(address, { 'etc/app.json': '{"port":82}\n' });
    await lab.check(address);
    const now = await eventually('another plan is asked about', async () => { const each = await asked(address); return each.plan === first.plan ? undefined : each; });
    expect((await lab.status(address))?.parts.find((each) => each.plan === now.plan)).toMatchObject({ approvals: expect.stringContaining('0 of 2 of sre') as string, since: expect.stringMatching(/the approval of alice was for what it was before/) as string });
    expect(await decide(address, signed(first, 'bob'))).toMatchObject({ result: 'stale-plan' });
    expect(await decide(address, { ...signed(first, 'bob'), plan: now.plan })).toMatchObject({ result: 'refused', unauthorised: true });
    expect(await decide(address, { ...signed({ ...now, address: 'prod/glass' }, 'bob'), plan: now.plan })).toMatchObject({ result: 'refused', unauthorised: true });
    expect(await isAsDrifted(address)).toBe(true);
    await approveByTwo(address, ['bob', 'alice']);
  }, 300_000);

  test('who last changed the desired state in Git approves no repair of it, under any name', async () => {
    const address = 'prod/causer';
    const question = await asked(address);
    for (const how of [{}, { with: alicesOther }, { by: 'oidc:alice@example.com' }]) {
      expect(await decide(address, signed(question, 'alice', how))).toMatchObject({ result: 'refused', unauthorised: true, message: expect.stringContaining('alice last changed the desired state and cannot approve its repair') as string });
    }
    expect(await count(address, 'voted')).toBe(0);
    await approveByTwo(address, ['bob', 'carol']);
  }, 300_000);

  test('on the command line: who is not asked ends with 4, one of two with 0 and who is still needed', async () => {
    const address = 'prod/cli';
    const { plan } = await asked(address);
    const approve = async (person: Person, ...more: string[]): Promise<Shipped> => {
      const words = ['approve', address, '--plan', plan.slice(0, 12), '--by', person];
      const printed = await shipped(lab, [...words, '--print-statement']);
      return shipped(lab, [...words, ...more, '--signature', '-'], KEYS[person].sign(printed.out));
    };
    expect(await approve('dave')).toMatchObject({ code: 4, err: expect.stringContaining('dave is not among those who may approve this: 2 of sre') as string });
    expect(await approve('bob')).toMatchObject({ code: 0, out: expect.stringContaining('1 of 2 of sre (bob); still needed: 1 more of sre (alice or carol)') as string });
    const told = await shipped(lab, ['incident', address]);
    expect(told.out).toMatch(/requires: 2 of sre \(approvals\.rules\[0\] of prod\)/);
    expect(told.out).toContain('approved: 1 of 2 of sre (bob)');
    expect((await shipped(lab, ['plan', address])).out).toMatch(/requires: 2 of sre \(approvals\.rules\[0\] of prod\); sre: alice, bob or carol/);
    expect(await approve('carol', '--wait')).toMatchObject({ code: 0, out: expect.stringContaining('fixed') as string });
    expect((await shipped(lab, ['incident', address])).out).toContain('Approved by bob and carol');
  }, 300_000);

  test('the glass is broken by one of those who may, in words that say so, and everybody can see it', async () => {
    const address = 'prod/glass';
    const question = await asked(address);
    const glass = { breakGlass: true, reason: 'checkout is down' } as const;
    expect(await decide(address, signed(question, 'bob', glass))).toMatchObject({ result: 'refused', unauthorised: true });
    expect(await decide(address, { ...signed(question, 'dave'), ...glass })).toMatchObject({ result: 'refused', unauthorised: true });
    expect(await isAsDrifted(address)).toBe(true);
    expect(await decide(address, signed(question, 'dave', glass))).toMatchObject({ result: 'accepted', message: expect.stringContaining('the glass is broken') as string });
    expect((await lab.untilClosed(address)).outcome).toBe('fixed');
    expect((await shipped(lab, ['changes', address, '--since', '1h'])).out).toMatch(/break-glass .*dave/);
    expect((await shipped(lab, ['incident', address])).out).toContain('(break-glass)');
  }, 300_000);

  test('whoever has a key and is in no group keeps nothing quiet, lifts no freeze, and undoes no repair', async () => {
    const address = 'prod/outsider';
    const outsider = { ok: false, unauthorised: true, message: expect.stringContaining('erin is not among those who') as string };
    expect(await command('erin', { command: 'accept', scope: address, resource: 'etc/app.json', until: '2999-01-01T00:00:00Z' })).toMatchObject(outsider);
    const frozen = async (): Promise<readonly string[]> => lab.withLedger(async (ledger) => (await ledger.allClosedGates(new Date().toISOString())).filter((row) => row.scope === address).map((row) => `${row.by} ${row.until ?? ''}`));
    await command('alice', { command: 'freeze', scope: address, until: '2999-01-01T00:00:00Z' });
    // Only stopping needs no signature: neither an end that sorts before every other nor one that is no time stops less.
    for (const until of ['9999-12-31T23:59:59-23:59', '2999-99-99T99:99:99Z', '2027-01-01T00:00:00Z']) {
      await lab.temporal.workflow.getHandle(environmentWorkflowId('prod')).signal('freeze', { scope: address, by: 'alice', reason: 'launch', until });
    }
    expect(await command('alice', { command: 'freeze', scope: address, until: '2998-01-01T00:00:00Z' })).toMatchObject({ ok: true, message: expect.stringContaining('frozen already') as string });
    expect(await frozen()).toEqual(['alice 2999-01-01T00:00:00.000Z']);
    await command('alice', { command: 'unfreeze', scope: address });
    await approveByTwo(address, ['bob', 'carol']);
    expect(await command('erin', { command: 'undo', scope: address, incident: 1 })).toMatchObject(outsider);
    expect(await lab.incident(address)).toMatchObject({ number: 1, outcome: 'fixed' });
    expect(await command('carol', { command: 'undo', scope: address, incident: 1 })).toMatchObject({ ok: true });
    await lab.untilClosed(address, 2);
    expect(await isAsDrifted(address)).toBe(true);
  }, 300_000);
});

test('and what is on record holds together', async () => {
  expect(await checkStatements(lab)).toEqual([]);
});
