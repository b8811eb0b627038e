import { HoldfastError } from '../domain/errors.js';
import { encryptionCodec, type EncryptionCodec, type PayloadKey } from './encryption.js';

/** A key as configured: its name, and the reference to it. */
export interface KeyReference {
  readonly id: string;
  readonly key: string;
}

const KEY_BYTES = 32;
const REMEDY = 'make one with: openssl rand -base64 32';

/** The codec of the configured keys, the first of which encrypts; `undefined` without keys. Throws `Invalid`, never with a key in it. */
export async function codecOf(references: readonly KeyReference[], resolve: (reference: string) => Promise<string>): Promise<EncryptionCodec | undefined> {
  const [first, ...rest] = await Promise.all(references.map(async ({ id, key }): Promise<PayloadKey> => ({ id, key: bytesOf(await resolve(key), key) })));
  return first === undefined ? undefined : encryptionCodec([first, ...rest]);
}

/** Base64 or hexadecimal, as key tools print them. */
function bytesOf(text: string, reference: string): Buffer {
  const written = text.trim();
  const bytes = /^[0-9a-fA-F]{64}$/.test(written) ? Buffer.from(written, 'hex') : /^[A-Za-z0-9+/_-]{43}=?$/.test(written) ? Buffer.from(written, 'base64') : undefined;
  if (bytes?.length === KEY_BYTES) return bytes;
  throw new HoldfastError('Invalid', `the payload key ${reference} is not a key of ${KEY_BYTES} bytes in base64`, { remedy: REMEDY });
}
