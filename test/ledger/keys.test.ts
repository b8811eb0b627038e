import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkKeys } from '../../src/ledger/keys.js';

const pem = (type: 'ed25519' | 'x25519'): string => String((type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519')).privateKey.export({ format: 'pem', type: 'pkcs8' }));
const good = { '${env:SIGN}': pem('ed25519'), '${env:DEV}': randomBytes(32).toString('base64') };

function check(secrets: Readonly<Record<string, string>>): Promise<void> {
  const resolve = async (reference: string): Promise<string> => {
    const found = secrets[reference];
    if (found === undefined) throw new Error('not here');
    return found;
  };
  return checkKeys({ ledger: { type: 'postgres', url: '${env:URL}', signingKey: '${env:SIGN}', checkpointFile: 'none' }, artifacts: { type: 'postgres', url: '${env:URL}', keys: { dev: ['${env:DEV}'] } } }, resolve);
}

describe('the keys that a process was given', () => {
  it('are good, or not given to it', async () => {
    await check(good);
    await check({});
  });

  it.each([
    { reason: 'a signing key that is no PEM', secrets: { ...good, '${env:SIGN}': 'hunter2' }, says: /ledger\.signingKey.* is not an Ed25519 private key/, remedy: /openssl genpkey/ },
    { reason: 'a signing key of another kind', secrets: { ...good, '${env:SIGN}': pem('x25519') }, says: /is not an Ed25519 private key/, remedy: /openssl genpkey/ },
    { reason: 'an artifact key that is too short', secrets: { ...good, '${env:DEV}': 'hunter2' }, says: /a key of dev is not 32 bytes/, remedy: /openssl rand/ },
    { reason: 'an artifact key that is too long', secrets: { ...good, '${env:DEV}': `hunter2${randomBytes(32).toString('base64')}` }, says: /a key of dev is not 32 bytes/, remedy: /openssl rand/ },
  ])('are refused before anything depends on them: $reason', async ({ secrets, says, remedy }) => {
    const error = await check(secrets).catch((each: unknown) => each);
    expect(error).toMatchObject({ failure: 'Invalid', message: expect.stringMatching(says) as string, remedy: expect.stringMatching(remedy) as string });
    expect(String((error as Error).stack)).not.toMatch(/hunter2|BEGIN/);
  });
});
