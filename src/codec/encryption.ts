import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';

/** A key for payloads: 32 bytes, under the name that stands in what it encrypts. */
export interface PayloadKey {
  readonly id: string;
  readonly key: Buffer;
}

export interface EncryptionCodec extends PayloadCodec {
  /** Changes when another key encrypts: what was begun before then goes on anew at its next rest. */
  readonly newest: string;
}

const ENCODING = 'binary/encrypted';
const CIPHER = 'AES-256-GCM';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM over each payload as a whole. The first key encrypts, every key decrypts; what was
 * never encrypted is read as it is. Decoding never throws, since an error there would fail the
 * workflow task again and again: what cannot be decrypted becomes a value that says so, which every
 * guard of a message refuses.
 */
export function encryptionCodec(keys: readonly [PayloadKey, ...PayloadKey[]]): EncryptionCodec {
  const [first] = keys;
  return {
    newest: `${first.id}:${createHash('sha256').update(first.key).digest('hex').slice(0, 8)}`,
    encode: (payloads) => Promise.resolve(payloads.map((payload) => encrypt(payload, first))),
    decode: (payloads) => Promise.resolve(payloads.map((payload) => (isEncrypted(payload) ? decrypt(payload, keys) : payload))),
  };
}

export function isEncrypted({ metadata }: Payload): boolean {
  return textOf(metadata?.['encoding']) === ENCODING;
}

function encrypt(payload: Payload, { id, key }: PayloadKey): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(id));
  const data = Buffer.concat([nonce, cipher.update(pack(payload)), cipher.final(), cipher.getAuthTag()]);
  return { metadata: { encoding: Buffer.from(ENCODING), 'encryption-cipher': Buffer.from(CIPHER), 'encryption-key-id': Buffer.from(id) }, data };
}

function decrypt(payload: Payload, keys: readonly PayloadKey[]): Payload {
  const id = textOf(payload.metadata?.['encryption-key-id']);
  const named = keys.find((each) => each.id === id);
  if (named === undefined) return undecodable(`it is encrypted with the key ${JSON.stringify(id.slice(0, 100))}, which this process does not have`);
  try {
    const data = Buffer.from(payload.data ?? []);
    const decipher = createDecipheriv('aes-256-gcm', named.key, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    return unpack(Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
  } catch {
    return undecodable(`it was changed since it was encrypted, or ${JSON.stringify(id)} was another key then`);
  }
}

/** As `workflows/payload-converter.ts` has it, in a form that every converter reads. */
function undecodable(reason: string): Payload {
  return { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify({ undecodable: true, reason })) };
}

/** The payload as bytes: the length of its metadata, the metadata as JSON, its data. */
function pack({ metadata, data }: Payload): Buffer {
  const head = Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]))));
  const size = Buffer.alloc(4);
  size.writeUInt32BE(head.length);
  return Buffer.concat([size, head, data ?? Buffer.alloc(0)]);
}

function unpack(bytes: Buffer): Payload {
  const end = 4 + bytes.readUInt32BE(0);
  const metadata = JSON.parse(bytes.toString('utf8', 4, end)) as Record<string, string>;
  return { metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])), data: bytes.subarray(end) };
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return bytes == null ? '' : Buffer.from(bytes).toString();
}
