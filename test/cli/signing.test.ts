import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecideInput } from '../../src/client.js';
import type { IncidentStatus } from '../../src/workflows/messages.js';
import { prove } from '../../src/trust/proof.js';
import { parseKeyLine } from '../../src/trust/ssh-key.js';
import { decisionStatement } from '../../src/trust/statement.js';
import { signer } from '../support/ssh-signer.js';
import { cli, config, connected, environment, HASH, incident, json, recorded, text, type Ran, type RunOptions } from './support.js';

const ASK = 'a'.repeat(32);
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-cli-'));
const alice = signer();
const bob = signer('ssh-rsa');
const stranger = signer();

afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

interface Trial extends RunOptions {
  readonly keys?: Readonly<Record<string, readonly string[]>>;
  readonly trust?: 'namespace' | 'signed';
  readonly status?: IncidentStatus;
}

const PART = { part: 1, phase: 'awaiting-approval', decision: 'ask', risk: 'low', changes: 1, plan: HASH, ask: ASK } as const;
const STATUS: IncidentStatus = { incident: 'prod/storefront#7', phase: 'awaiting-approval', parts: [PART] };

async function run(argv: readonly string[], { keys = { alice: [alice.line], bob: [bob.line] }, trust = 'signed', status = STATUS, io = {} }: Trial = {}): Promise<Ran & { sent: DecideInput[] }> {
  const sent: DecideInput[] = [];
  const base = environment('prod');
  const principals = Object.entries(keys).map(([name, lines]) => ({ name, aliases: [], keys: lines.map((key) => ({ key, fingerprint: fingerprint(key) })) }));
  const loadConfig = () => Promise.resolve(config({ people: { principals, groups: {} }, environments: [{ ...base, approvals: { ...base.approvals, trust } }] }));
  const deps = {
    loadConfig,
    ...recorded({ incident: () => Promise.resolve(incident()) }),
    ...connected({ incidentStatus: () => Promise.resolve(status), decide: (_address, input) => { sent.push(input); return Promise.resolve({ result: 'accepted', message: 'goes on' }); } }),
  };
  return { ...(await cli(argv, { deps, io: { env: process.env, cwd: folder, ...io } })), sent };
}

function fingerprint(line: string): string {
  const key = parseKeyLine(line);
  return key.ok ? key.value.fingerprint : '';
}

function statement(by: string, more: Partial<DecideInput> = {}): string {
  return decisionStatement({ project: 'shop', incident: { environment: 'prod', target: 'storefront', number: 7 }, question: { plan: HASH, ask: ASK } }, { decision: 'approve', by, ...more });
}

const APPROVE = ['approve', 'prod/storefront#7', '--plan', '3f9ac2d1'];

describe('a signature that was made elsewhere', () => {
  it('is sent with whoever it proves', async () => {
    const ran = await run([...APPROVE, '--signature', file('good.sig', alice.sign(statement('alice')))]);
    expect(ran).toMatchObject({ code: 0, out: 'prod/storefront#7: goes on (by alice, signed)\n', err: '' });
    expect(ran.sent).toEqual([{ decision: 'approve', by: 'alice', plan: '3f9ac2d1', signature: expect.stringContaining('BEGIN SSH SIGNATURE') as string }]);
  });

  it('is read from standard input, and speaks for the owner of its key whoever runs this', async () => {
    const ran = await run([...APPROVE, '--signature', '-', '-o', 'json'], { io: { user: 'root', input: () => Promise.resolve(bob.sign(statement('bob'))) } });
    expect(ran.code).toBe(0);
    expect(json(ran)).toMatchObject({ by: 'bob', verified: true, result: 'accepted' });
  });

  it.each([
    { reason: 'a key that nobody registered', argv: [], signature: () => stranger.sign(statement('alice')), says: /key SHA256:\S+ is not registered for anybody[\s\S]*principals\.NAME\.keys/ },
    { reason: 'the key of somebody else', argv: ['--by', 'alice'], signature: () => bob.sign(statement('alice')), says: /is registered for bob, and alice cannot sign with it/ },
    { reason: 'made for Git', argv: [], signature: () => alice.sign(statement('alice'), { namespace: 'git' }), says: /made for something else: sign with ssh-keygen -Y sign -n holdfast-approval/ },
    { reason: 'over other words', argv: [], signature: () => alice.sign(statement('alice', { reason: 'x' })), says: /is not over this decision[\s\S]*--print-statement/ },
    { reason: 'over the right words with a line end too many', argv: [], signature: () => alice.sign(`${statement('alice')}\n`), says: /is not over this decision/ },
  ])('is refused here with 4 and a remedy, and not sent: $reason', async ({ argv, signature, says }) => {
    const ran = await run([...APPROVE, ...argv, '--signature', file('bad.sig', signature())]);
    expect(ran).toMatchObject({ code: 4, out: '', err: text(says), sent: [] });
  });

  it('that is none is refused with how to make one', async () => {
    expect(await run([...APPROVE, '--signature', file('none.sig', 'hello')])).toMatchObject({ code: 1, err: text(/cannot be read[\s\S]*ssh-keygen -Y sign -n holdfast-approval/), sent: [] });
    expect(await run([...APPROVE, '--signature', folder])).toMatchObject({ code: 1, err: text('is a folder where a file is expected'), sent: [] });
    // What never ends is not read to its end.
    expect(await run([...APPROVE, '--signature', '/dev/zero'])).toMatchObject({ code: 1, err: text(/cannot be read/), sent: [] });
    expect(await run([...APPROVE, '--signature', join(folder, 'absent.sig')])).toMatchObject({ code: 1, err: text('does not exist'), sent: [] });
  });
});

describe('without a signature', () => {
  it.each([
    { argv: APPROVE },
    { argv: ['reject', 'prod/storefront#7', '--reason', 'r'] },
    { argv: ['accept', 'prod/storefront#7', '--reason', 'r', '--until', '7d'] },
  ])('$argv is refused with 4 and how to sign', async ({ argv }) => {
    expect(await run(argv)).toMatchObject({ code: 4, err: text(/needs a signature, because approvals.trust is signed[\s\S]*--key/), sent: [] });
  });

  it('a rollback goes through: it only stops', async () => {
    expect(await run(['rollback', 'prod/storefront#7', '--reason', 'slow'])).toMatchObject({ code: 0, sent: [{ decision: 'rollback', by: 'alice' }] });
  });

  it('everything goes through where names are taken as given', async () => {
    expect(await run(APPROVE, { trust: 'namespace' })).toMatchObject({ code: 0, out: text('(by alice, unverified)') });
  });
});

describe('--print-statement', () => {
  it('prints the exact bytes and nothing else, and decides nothing', async () => {
    const ran = await run([...APPROVE, '--print-statement', '--reason', 'the port is wrong']);
    expect(ran).toMatchObject({ code: 0, sent: [] });
    expect(ran.out).toBe(`{"ask":"${ASK}","by":"alice","decision":"approve","incident":"prod/storefront#7","plan":"${HASH}","project":"shop","reason":"the port is wrong","version":1}`);
    expect(ran.err).toMatch(/ssh-keygen -Y sign -n holdfast-approval -f KEY[\s\S]*--by alice --signature FILE/);
  });

  it('what it prints, signed, is what the same command takes', async () => {
    const { out } = await run([...APPROVE, '--print-statement', '--by', 'bob', '--reason', 'r']);
    expect(await run([...APPROVE, '--by', 'bob', '--reason', 'r', '--signature', file('two.sig', bob.sign(out))])).toMatchObject({ code: 0 });
  });

  it('names the date in full, since a duration would be another one by the time it is signed', async () => {
    const ran = await run(['accept', 'prod/storefront#7', '--until', '7d', '--reason', 'r', '--print-statement']);
    expect(ran.out).toContain('"until":"2030-02-07T12:00:00.000Z"');
    expect(ran.err).toContain('--until 2030-02-07T12:00:00.000Z --signature FILE');
  });

  it.each([
    { reason: 'somebody without a key', argv: [...APPROVE, '--print-statement', '--by', 'carol'], code: 4, says: /carol has no key in the configuration[\s\S]*--by alice, --by bob/ },
    { reason: 'a plan that is not asked about', argv: ['approve', 'prod/storefront#7', '--plan', 'dddddddd', '--print-statement'], code: 1, says: /does not ask about plan dddddddd[\s\S]*asks about plan 3f9ac2d1/ },
    { reason: 'two ways at once', argv: [...APPROVE, '--print-statement', '--key', 'x'], code: 1, says: /cannot be used with/ },
  ])('is refused: $reason', async ({ argv, code, says }) => {
    expect(await run(argv)).toMatchObject({ code, out: '', err: text(says), sent: [] });
  });

  it('of two parts one must be named: a signature is about one', async () => {
    const second = { ...PART, part: 2, plan: 'b'.repeat(64), ask: 'b'.repeat(32) };
    const ran = await run(['reject', 'prod/storefront#7', '--reason', 'r', '--print-statement'], { status: { ...STATUS, parts: [PART, second] } });
    expect(ran).toMatchObject({ code: 1, err: text(/has 2 parts, and a signature is about one[\s\S]*--plan 3f9ac2d1\S* or --plan bbbbbbbb/) });
  });
});

describe('a command to an environment', () => {
  const commanded = async (argv: readonly string[], how: Trial = {}): Promise<Ran & { sent: unknown[] }> => {
    const sent: unknown[] = [];
    const base = environment('prod');
    const principals = [{ name: 'alice', aliases: [], keys: [{ key: alice.line, fingerprint: alice.fingerprint }] }];
    const loadConfig = () => Promise.resolve(config({ people: { principals, groups: {} }, environments: [environment('dev'), { ...base, approvals: { ...base.approvals, trust: how.trust ?? 'signed' } }] }));
    const deps = { loadConfig, ...connected({ command: (_environment, said) => { sent.push(said); return Promise.resolve({ ok: true, message: 'done so' }); } }) };
    return { ...(await cli(argv, { deps, io: { env: process.env, cwd: folder, ...how.io } })), sent };
  };
  const UNFREEZE = ['unfreeze', 'prod', '--reason', 'go on'];

  it.each([
    { argv: UNFREEZE, reason: 'it resumes' },
    { argv: ['unfreeze', '--all', '--reason', 'r'], reason: 'it resumes everywhere' },
    { argv: ['release', 'prod/storefront', '--gate', 'quarantine', '--reason', 'r'], reason: 'it allows another try' },
    { argv: ['accept', 'prod/storefront', '--resource', 'x', '--until', '2h', '--reason', 'r'], reason: 'it silences' },
  ])('$argv is refused without a signature: $reason', async ({ argv }) => {
    expect(await commanded(argv)).toMatchObject({ code: 4, err: text(/needs a signature[\s\S]*--key/), sent: [] });
  });

  it('a freeze goes through, and everything does where names are taken as given', async () => {
    expect(await commanded(['freeze', 'prod', '--reason', 'r'])).toMatchObject({ code: 0 });
    expect(await commanded(UNFREEZE, { trust: 'namespace' })).toMatchObject({ code: 0, sent: [{ command: 'unfreeze', scope: 'prod', by: 'alice', reason: 'go on' }] });
  });

  it('what is printed, signed and given back with its time is sent', async () => {
    const printed = await commanded([...UNFREEZE, '--print-statement']);
    expect(printed).toMatchObject({ code: 0, out: '{"by":"alice","command":"unfreeze","project":"shop","reason":"go on","scope":"prod","signedAt":"2030-01-31T12:00:00.000Z","version":1}' });
    expect(printed.err).toContain('--signed-at 2030-01-31T12:00:00.000Z --signature FILE');
    const signature = file('command.sig', alice.sign(printed.out));
    expect(await commanded([...UNFREEZE, '--signature', signature])).toMatchObject({ code: 1, err: text('--signed-at') });
    const ran = await commanded([...UNFREEZE, '--signature', signature, '--signed-at', '2030-01-31T12:00:00.000Z'], { io: { user: 'root' } });
    expect(ran).toMatchObject({ code: 0, sent: [{ command: 'unfreeze', by: 'alice', signedAt: '2030-01-31T12:00:00.000Z' }] });
  });
});

const hasOpenSsh = spawnSync('ssh-keygen', ['-?']).error === undefined;

describe.skipIf(!hasOpenSsh)('--key, with the ssh-keygen of this machine', () => {
  let key: string;
  let line: string;
  beforeAll(() => {
    key = join(folder, 'id --weird $(name)');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'alice at work', '-f', key]);
    line = readFileSync(`${key}.pub`, 'utf8').trim();
  });

  it('signs for the owner of the key, whoever runs this and however the file is named', async () => {
    const ran = await run([...APPROVE, '--key', key], { keys: { carol: [line] }, io: { user: 'root' } });
    expect(ran).toMatchObject({ code: 0, out: text('(by carol, signed)') });
    const principals = [{ name: 'carol', aliases: [], keys: [{ key: line, fingerprint: fingerprint(line) }] }];
    const proof = prove({ signature: ran.sent[0]?.signature ?? '', statement: statement('carol'), by: 'carol', at: '2030-01-01T00:00:00Z', people: { principals, groups: {} } });
    expect(proof).toEqual({ ok: true, key: fingerprint(line) });
  });

  it('a key that is not registered is said before it signs', async () => {
    expect(await run([...APPROVE, '--key', key])).toMatchObject({ code: 4, err: text(/is not registered for anybody/), sent: [] });
  });

  it('a key that an agent would have to hold, and none does', async () => {
    const lonely = file('lonely.pub', line);
    const ran = await run([...APPROVE, '--key', lonely, '--by', 'carol'], { keys: { carol: [line] }, io: { env: { PATH: process.env['PATH'] } } });
    expect(ran).toMatchObject({ code: 1, err: text(/could not sign with[\s\S]*ssh-add/), sent: [] });
  });

  it('a file that is not there, and a machine without ssh-keygen', async () => {
    expect(await run([...APPROVE, '--key', join(folder, 'absent')])).toMatchObject({ code: 1, err: text(/could not sign with \S*absent: [\s\S]*private key/), sent: [] });
    expect(await run([...APPROVE, '--key', key], { keys: { carol: [line] }, io: { env: { PATH: folder } } })).toMatchObject({ code: 1, err: text(/ssh-keygen is not on this machine[\s\S]*--print-statement/) });
  });
});
