import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { sha256 } from '../digest.js';
import type { TargetAddress } from '../domain/address.js';
import { HoldfastError } from '../domain/errors.js';
import type { ArtifactRef } from '../domain/plan.js';

/** Begins every sealed artifact: format and version. Then the nonce, the tag and the ciphertext of AES-256-GCM. */
const MAGIC = Buffer.from('HFA1');
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;
const HEADER_BYTES = MAGIC.length + NONCE_BYTES + TAG_BYTES;

/** What is derived from an environment's key: content is never encrypted with what names are made of. */
export interface Keys {
  readonly content: Buffer;
  readonly names: Buffer;
}

export function keysFrom(key: Buffer): Keys {
  return { content: derived(key, 'content'), names: derived(key, 'names') };
}

function derived(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `holdfast artifacts ${purpose}`, KEY_BYTES));
}

/** A keyed digest, so that a name tells nothing, not even of a short secret. */
export function keyed(keys: Keys, text: string): string {
  return createHmac('sha256', keys.names).update(text).digest('hex');
}

/** `<keyed digest>-<keyed target and name>`, so that pruning can keep by digest. */
export function sealedName({ target }: TargetAddress, { name, digest }: ArtifactRef, keys: Keys): string {
  return `${keyed(keys, digest)}-${keyed(keys, JSON.stringify([target, name])).slice(0, 32)}`;
}

export function seal(content: Uint8Array, address: TargetAddress, { ref, keys }: { readonly ref: ArtifactRef; readonly keys: Keys }): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keys.content, nonce).setAAD(boundTo(address, ref));
  const body = [cipher.update(content), cipher.final()];
  return Buffer.concat([MAGIC, nonce, cipher.getAuthTag(), ...body]);
}

/** The content, or `undefined` when it is not what was stored under that reference. */
export function unseal(sealed: Buffer, address: TargetAddress, { ref, keys }: { readonly ref: ArtifactRef; readonly keys: Keys }): Buffer | undefined {
  if (sealed.length < HEADER_BYTES || !sealed.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  try {
    const nonce = sealed.subarray(MAGIC.length, MAGIC.length + NONCE_BYTES);
    const opened = createDecipheriv('aes-256-gcm', keys.content, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(address, ref));
    opened.setAuthTag(sealed.subarray(MAGIC.length + NONCE_BYTES, HEADER_BYTES));
    const content = Buffer.concat([opened.update(sealed.subarray(HEADER_BYTES)), opened.final()]);
    return sha256(content) === ref.digest && content.length === ref.bytes ? content : undefined;
  } catch {
    return undefined;
  }
}

/** The address and name are bound to the content: one put in another's place does not open. */
function boundTo({ environment, target }: TargetAddress, { name, digest }: ArtifactRef): Buffer {
  return Buffer.from(JSON.stringify([environment, target, name, digest]));
}

export function lost({ environment, target }: TargetAddress, ref: ArtifactRef, why: string): never {
  throw new HoldfastError('ArtifactLost', `artifact ${ref.name} of ${environment}/${target}: ${why}`, { remedy: 'the part is staged again; for an undo, repair by hand from a backup' });
}
