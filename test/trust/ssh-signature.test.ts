import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseKeyLine } from '../../src/trust/ssh-key.js';
import { isSignatureOf, parseSignature } from '../../src/trust/ssh-signature.js';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-trust-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

describe.each([['ed25519', []], ['ecdsa', ['-b', '256']], ['ecdsa', ['-b', '384']], ['ecdsa', ['-b', '521']], ['rsa', ['-b', '2048']], ['rsa', ['-b', '3072']], ['rsa', ['-b', '4096']]])('%s %s', (type, bits) => {
  it('verifies', () => {
    const file = join(folder, `${type}${bits.join('')}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', '', '-f', file]);
    const armoured = execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'holdfast-approval', '-f', file], { input: 'hello', stdio: ['pipe', 'pipe', 'ignore'] }).toString();
    const parsed = parseSignature(armoured);
    if (!parsed.ok) throw new Error(parsed.problem);
    expect(isSignatureOf('hello', parsed.value)).toBe(true);
    expect(isSignatureOf('hellp', parsed.value)).toBe(false);
    const key = parseKeyLine(readFileSync(`${file}.pub`, 'utf8').trim());
    expect(key).toMatchObject({ ok: true, value: { fingerprint: parsed.value.key.fingerprint } });
    console.log(armoured.length, parsed.value.key.fingerprint, execFileSync('ssh-keygen', ['-lf', file]).toString());
  });
});
