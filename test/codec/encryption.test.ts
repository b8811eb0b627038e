import { randomBytes } from 'node:crypto';
import { DefaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { encryptionCodec, isEncrypted, type PayloadKey } from '../../src/codec/encryption.js';
import { codecOf } from '../../src/codec/keys.js';

const converter = new DefaultPayloadConverter();
const OLD: PayloadKey = { id: '2026-10', key: randomBytes(32) };
const NEW: PayloadKey = { id: '2026-11', key: randomBytes(32) };
const VALUE = { resource: 'etc/app.json', reason: 'emergency' };

async function encrypted(key: PayloadKey, value: unknown = VALUE): Promise<Payload> {
  const [payload] = await encryptionCodec([key]).encode([converter.toPayload(value)]);
  if (payload === undefined) throw new Error('nothing was encoded');
  return payload;
}

async function read(keys: readonly [PayloadKey, ...PayloadKey[]], payload: Payload): Promise<unknown> {
  const [decoded] = await encryptionCodec(keys).decode([payload]);
  return decoded === undefined ? undefined : converter.fromPayload(decoded);
}

describe('payloads', () => {
  it.each([{ value: VALUE }, { value: null }, { value: '' }, { value: Uint8Array.from([0, 255]) }, { value: 'ü'.repeat(100_000) }])('come back as they were, whatever they hold', async ({ value }) => {
    expect(await read([NEW], await encrypted(NEW, value))).toEqual(value);
  });

  it('hold nothing of what they say, and never the same bytes twice', async () => {
    const [one, two] = [await encrypted(NEW), await encrypted(NEW)];
    expect(isEncrypted(one)).toBe(true);
    expect(Buffer.from(one.data ?? []).toString('latin1')).not.toMatch(/etc|emergency|json/);
    expect(Buffer.from(one.data ?? []).equals(Buffer.from(two.data ?? []))).toBe(false);
  });

  it('of an older key are read while it is kept, and new ones are written with the first', async () => {
    expect(await read([NEW, OLD], await encrypted(OLD))).toEqual(VALUE);
    const [written] = await encryptionCodec([NEW, OLD]).encode([converter.toPayload(1)]);
    expect(Buffer.from(written?.metadata?.['encryption-key-id'] ?? []).toString()).toBe(NEW.id);
  });

  it('that were never encrypted are read: a signal pasted into the Temporal UI, a history from before', async () => {
    expect(await read([NEW], converter.toPayload(VALUE))).toEqual(VALUE);
  });

  it.each([
    { wrong: 'the key is lost', payload: () => encrypted(OLD), says: /2026-10.*does not have/ },
    { wrong: 'the name is that of another key', payload: () => encrypted({ ...OLD, id: NEW.id }), says: /was another key/ },
    { wrong: 'a bit was changed', payload: async () => changed(await encrypted(NEW)), says: /was changed/ },
    { wrong: 'it is cut short', payload: async () => ({ ...(await encrypted(NEW)), data: Buffer.from([1, 2, 3]) }), says: /was changed/ },
    { wrong: 'its tag is short', payload: async () => { const one = await encrypted(NEW); return { ...one, data: (one.data ?? Buffer.alloc(0)).subarray(0, 20) }; }, says: /was changed/ },
    { wrong: 'it says that it is encrypted and holds nothing', payload: () => Promise.resolve({ metadata: { encoding: Buffer.from('binary/encrypted') } }), says: /does not have/ },
  ])('become a value that says so when $wrong: an error would fail the task again and again', async ({ payload, says }) => {
    expect(await read([NEW], await payload())).toEqual({ undecodable: true, reason: expect.stringMatching(says) as string });
  });
});

describe('keys', () => {
  const NAMED = { id: 'a', key: '${env:KEY}' };

  it.each([{ form: 'base64', text: OLD.key.toString('base64') }, { form: 'hexadecimal', text: OLD.key.toString('hex') }, { form: 'base64 for addresses, with a line break', text: `${OLD.key.toString('base64url')}\n` }])('are read from $form', async ({ text }) => {
    const codec = await codecOf([NAMED], () => Promise.resolve(text));
    const [payload] = (await codec?.encode([converter.toPayload(VALUE)])) ?? [];
    expect(payload === undefined ? undefined : await read([{ id: 'a', key: OLD.key }], payload)).toEqual(VALUE);
  });

  it.each(['', 'too-short-a-secret', 'x'.repeat(44), 'AAAA'])('that are none are refused, by their reference and never by their value', async (text) => {
    const refused = codecOf([NAMED], () => Promise.resolve(text));
    await expect(refused).rejects.toMatchObject({ failure: 'Invalid', message: expect.stringContaining(NAMED.key) as string, remedy: expect.stringContaining('openssl') as string });
    if (text !== '') await expect(refused).rejects.not.toThrow(text);
  });

  it('without one nothing is encrypted', async () => {
    expect(await codecOf([], () => Promise.resolve(''))).toBeUndefined();
  });
});

function changed(payload: Payload): Payload {
  const data = Buffer.from(payload.data ?? []);
  data[20] = (data[20] ?? 0) ^ 1;
  return { ...payload, data };
}
