import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseKeyLine } from '../../src/trust/ssh-key.js';
import { isSignatureOf, parseSignature, type SshSignature } from '../../src/trust/ssh-signature.js';
import { wireString } from '../../src/trust/wire.js';
import { armoured, signer, unarmoured, type SignatureParts, type SignerType } from '../support/ssh-signer.js';
import { RECORDED } from './recorded-signatures.js';

const NAMESPACE = 'holdfast-approval';
const MESSAGE = '{"by":"alice","decision":"approve"}';
const TYPES: readonly SignerType[] = ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'sk-ssh-ed25519@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com'];

function parsed(text: string): SshSignature {
  const signature = parseSignature(text);
  if (!signature.ok) throw new Error(signature.problem);
  return signature.value;
}

/** Whether it proves that this key signed this, for a decision: what `prove` asks of it. */
function proves(text: string, message: string, fingerprint: string): boolean {
  const signature = parseSignature(text);
  return signature.ok && signature.value.namespace === NAMESPACE && signature.value.key.fingerprint === fingerprint && isSignatureOf(message, signature.value);
}

describe('signatures of OpenSSH', () => {
  // Security keys cannot be had in a test: these two are from OpenSSH's own tests. The rest was made with OpenSSH 9.2.
  it.each(RECORDED)('recorded: $type', ({ line, signature, message, namespace }) => {
    const { key, ...rest } = parsed(signature);
    expect(rest.namespace).toBe(namespace);
    expect(isSignatureOf(message, { key, ...rest })).toBe(true);
    expect(isSignatureOf(`${message} `, { key, ...rest })).toBe(false);
    expect(parseKeyLine(line)).toMatchObject({ ok: true, value: { type: key.type, fingerprint: key.fingerprint } });
  });

  it('every kind of key is among those that are recorded', () => {
    expect(new Set(RECORDED.map((each) => parsed(each.signature).key.type))).toEqual(new Set(TYPES));
  });

  const made = [['ed25519'], ['ecdsa', '-b', '256'], ['ecdsa', '-b', '384'], ['ecdsa', '-b', '521'], ['rsa', '-b', '2048'], ['rsa', '-b', '3072']].map((type) => ({ type }));
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-trust-'));
  afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
  it.skipIf(spawnSync('ssh-keygen', ['-?']).error !== undefined).each(made)('made now by the ssh-keygen of this machine: $type', ({ type: [type = '', ...bits] }) => {
    const file = join(folder, `${type}${bits.join('')}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', '', '-f', file]);
    const text = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', NAMESPACE, '-f', file], { input: MESSAGE, stdio: ['pipe', 'pipe', 'ignore'] }).toString();
    const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-lf', file]).toString().split(' ');
    expect(proves(text, MESSAGE, fingerprint)).toBe(true);
    expect(parseKeyLine(readFileSync(`${file}.pub`, 'utf8').trim())).toMatchObject({ ok: true, value: { fingerprint } });
    expect(proves(text, `${MESSAGE}\n`, fingerprint)).toBe(false);
    // What other tests sign with, so that they run anywhere, is what OpenSSH takes.
    const own = signer(type === 'ed25519' ? 'ssh-ed25519' : type === 'rsa' ? 'ssh-rsa' : (`ecdsa-sha2-nistp${bits[1] ?? ''}` as SignerType));
    writeFileSync(`${file}.sig`, own.sign(MESSAGE));
    const checked = execFileSync('ssh-keygen', ['-Y', 'check-novalidate', '-n', NAMESPACE, '-s', `${file}.sig`], { input: MESSAGE, encoding: 'utf8' });
    expect(checked).toContain(own.fingerprint);
  });
});

describe.each(TYPES)('%s', (type) => {
  const key = signer(type);
  const text = key.sign(MESSAGE);

  it('proves what it signed, with either hash and either line end', () => {
    for (const hash of ['sha256', 'sha512']) expect(proves(key.sign(MESSAGE, { hash }), MESSAGE, key.fingerprint)).toBe(true);
    expect(proves(text.replaceAll('\n', '\r\n'), MESSAGE, key.fingerprint)).toBe(true);
    expect(text.length).toBeLessThan(4_000);
  });

  it('proves nothing once any byte of it is another', () => {
    const bytes = unarmoured(text);
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of at % 8 === 0 ? [0x01, 0x80] : [0x01]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        expect([at, proves(armoured(changed), MESSAGE, key.fingerprint)]).toEqual([at, false]);
      }
    }
  });

  it('proves nothing cut short, drawn out, or of another message or key', () => {
    const bytes = unarmoured(text);
    for (const cut of [0, 1, 5, 6, 10, 40, bytes.length - 1]) expect(proves(armoured(bytes.subarray(0, cut)), MESSAGE, key.fingerprint)).toBe(false);
    expect(proves(armoured(Buffer.concat([bytes, Buffer.alloc(1)])), MESSAGE, key.fingerprint)).toBe(false);
    expect(proves(text, `${MESSAGE} `, key.fingerprint)).toBe(false);
    expect(proves(text, MESSAGE, signer(type).fingerprint)).toBe(false);
  });

  it('a key of somebody else under the signature proves nothing for either', () => {
    const other = signer(type);
    const swapped = key.sign(MESSAGE, { key: Buffer.from(other.line.split(' ')[1] ?? '', 'base64') });
    expect(proves(swapped, MESSAGE, key.fingerprint)).toBe(false);
    expect(proves(swapped, MESSAGE, other.fingerprint)).toBe(false);
  });
});

describe('what is not taken', () => {
  const wrong: readonly { readonly reason: string; readonly type?: SignerType; readonly parts: Partial<SignatureParts> }[] = [
    { reason: 'SHA-1 under an RSA key', type: 'ssh-rsa', parts: { algorithm: 'ssh-rsa' } },
    { reason: 'another algorithm than the key has', type: 'ssh-ed25519', parts: { algorithm: 'ecdsa-sha2-nistp256' } },
    { reason: 'a security key that nobody touched', type: 'sk-ssh-ed25519@openssh.com', parts: { flags: 0 } },
    { reason: 'a security key that was only unlocked', type: 'sk-ecdsa-sha2-nistp256@openssh.com', parts: { flags: 4 } },
    { reason: 'made for Git', parts: { namespace: 'git' } },
    { reason: 'made for nothing', parts: { namespace: '' } },
    { reason: 'something in the place that is reserved', parts: { reserved: 'x' } },
    { reason: 'a version to come', parts: { version: 2 } },
    { reason: 'a hash that is broken', parts: { hash: 'sha1' } },
  ];
  it.each(wrong)('$reason', ({ type, parts }) => {
    const key = signer(type);
    expect(proves(key.sign(MESSAGE), MESSAGE, key.fingerprint)).toBe(true);
    expect(proves(key.sign(MESSAGE, parts), MESSAGE, key.fingerprint)).toBe(false);
  });

  it('RSA keys that are too short, or longer than anybody needs', () => {
    expect(parseKeyLine(signer('ssh-rsa', 1_024).line)).toMatchObject({ ok: false, problem: expect.stringContaining('too short') as string });
    const modulus = Buffer.concat([Buffer.from([0]), Buffer.alloc(2_048, 0xff)]);
    const long = Buffer.concat([wireString('ssh-rsa'), wireString(Buffer.from([1, 0, 1])), wireString(modulus)]);
    expect(parseKeyLine(`ssh-rsa ${long.toString('base64')}`)).toMatchObject({ ok: false });
  });

  it.each([
    { reason: 'an exponent of 1, with which anybody could sign', exponent: [1] },
    { reason: 'an even exponent', exponent: [4] },
    { reason: 'an exponent of nothing', exponent: [] },
    { reason: 'a negative exponent', exponent: [0x81] },
  ])('an RSA key with $reason', ({ exponent }) => {
    const key = Buffer.concat([wireString('ssh-rsa'), wireString(Buffer.from(exponent)), wireString(Buffer.concat([Buffer.from([0]), Buffer.alloc(256, 0xc5)]))]);
    expect(parseKeyLine(`ssh-rsa ${key.toString('base64')}`).ok).toBe(false);
  });

  it.each([
    { reason: 'a point that is not on its curve', blob: Buffer.concat([wireString('ecdsa-sha2-nistp256'), wireString('nistp256'), wireString(Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]))]) },
    { reason: 'the curve of another kind', blob: Buffer.concat([wireString('ecdsa-sha2-nistp256'), wireString('nistp384'), wireString(Buffer.concat([Buffer.from([4]), Buffer.alloc(96, 1)]))]) },
    { reason: 'DSA', blob: Buffer.concat([wireString('ssh-dss'), wireString(Buffer.alloc(64, 1))]) },
    { reason: 'a certificate', blob: Buffer.concat([wireString('ssh-ed25519-cert-v01@openssh.com'), wireString(Buffer.alloc(32)), wireString(Buffer.alloc(32, 9))]) },
    { reason: 'something after its end', blob: Buffer.concat([wireString('ssh-ed25519'), wireString(Buffer.alloc(32, 9)), Buffer.alloc(1)]) },
  ])('a key that is $reason', ({ blob }) => {
    const type = blob.subarray(4, 4 + blob.readUInt32BE()).toString();
    expect(parseKeyLine(`${type} ${blob.toString('base64')}`).ok).toBe(false);
  });

  it('a private key is never repeated in what is said about it', () => {
    const secret = 'AAAAhunter2hunter2hunter2';
    for (const text of [`ssh-ed25519 ${secret}`, `-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----`]) {
      expect(JSON.stringify([parseKeyLine(text), parseSignature(text)])).not.toContain('hunter2');
    }
  });
});

describe('whatever comes', () => {
  const key = signer();
  const bytes = unarmoured(key.sign(MESSAGE));

  it('is read without a throw, and proves nothing', () => {
    const rubbish = fc.oneof(
      fc.string({ maxLength: 6_000, unit: 'binary' }),
      fc.uint8Array({ maxLength: 2_000 }).map((each) => armoured(Buffer.from(each))),
      fc.uint8Array({ maxLength: 300 }).map((each) => armoured(Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), Buffer.from(each)]))),
      fc.tuple(fc.nat(bytes.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, some]) => armoured(Buffer.concat([bytes.subarray(0, at), Buffer.from(some), bytes.subarray(at)]))),
    );
    fc.assert(fc.property(rubbish, (text) => !proves(text, MESSAGE, key.fingerprint)), { numRuns: 500 });
    fc.assert(fc.property(fc.string({ maxLength: 3_000, unit: 'binary' }), (text) => !parseKeyLine(text).ok), { numRuns: 300 });
  });

  it('is bounded: a long text is not taken apart', () => {
    expect(parseSignature(`-----BEGIN SSH SIGNATURE-----\n${'A'.repeat(5_000_000)}\n-----END SSH SIGNATURE-----`).ok).toBe(false);
    expect(parseKeyLine(`ssh-ed25519 ${'A'.repeat(5_000_000)}`).ok).toBe(false);
  });
});
