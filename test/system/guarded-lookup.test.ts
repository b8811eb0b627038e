import type { LookupAddress } from 'node:dns';
import { describe, expect, it, vi } from 'vitest';
import { checkLiteral, guardedLookup } from '../../src/system/guarded-lookup.js';

const answers = vi.hoisted(() => ({ next: [] as LookupAddress[][] }));

vi.mock('node:dns', () => ({
  lookup: (_host: string, _options: unknown, callback: (error: Error | null, addresses: LookupAddress[]) => void) => {
    const addresses = answers.next.shift();
    if (addresses === undefined) callback(new Error('nothing to answer'), []);
    else callback(null, addresses);
  },
}));

function look(allowPrivate: boolean, all = true): Promise<unknown> {
  return new Promise((resolve, reject) => {
    guardedLookup(allowPrivate)('example.test', { all }, (error, address) => {
      if (error === null) resolve(address);
      else reject(error);
    });
  });
}

const SERVICE = { address: '10.0.0.5', family: 4 };
const METADATA = { address: '169.254.169.254', family: 4 };

describe('guardedLookup', () => {
  it('refuses a name that points elsewhere the second time', async () => {
    answers.next = [[SERVICE], [METADATA]];
    await expect(look(false)).resolves.toEqual([SERVICE]);
    await expect(look(false)).rejects.toThrow('example.test is refused: 169.254.169.254 is a link-local address');
  });

  it('refuses all when one of several addresses is forbidden', async () => {
    answers.next = [[SERVICE, METADATA]];
    await expect(look(false)).rejects.toThrow('link-local');
  });

  it('gives one address to those who ask for one', async () => {
    answers.next = [[SERVICE]];
    await expect(look(false, false)).resolves.toBe('10.0.0.5');
  });

  it('allows what the configuration allows', async () => {
    answers.next = [[METADATA]];
    await expect(look(true)).resolves.toEqual([METADATA]);
  });
});

describe('checkLiteral', () => {
  it.each([
    { host: 'example.test', allowPrivate: false, refused: false, reason: 'a name is judged when it is looked up' },
    { host: '127.0.0.1', allowPrivate: false, refused: false, reason: 'loopback' },
    { host: '[fe80::1]', allowPrivate: false, refused: true, reason: 'link-local' },
    { host: '[fe80::1]', allowPrivate: true, refused: false, reason: 'link-local but allowed' },
  ])('$host: refused is $refused, because $reason', ({ host, allowPrivate, refused }) => {
    const check = (): void => { checkLiteral(host, allowPrivate); };
    if (refused) expect(check).toThrow('is refused');
    else expect(check).not.toThrow();
  });
});
