import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { canonicalJson } from '../digest.js';
import { HoldfastError } from '../domain/errors.js';
import { keyOnce, replaceFile } from './durable-file.js';
import type { Checkpoint } from './ledger.js';

/** Every public key that ever signed here, one base64 line each, beside the private key. */
function publicFile(keyFile: string): string {
  return `${keyFile}.pub`;
}

/**
 * The signing key, made at first use (Ed25519, PKCS #8, mode 0600). A lost key is replaced by a new
 * one; what the old one signed stays verifiable through its line in the public file.
 */
export function signingKey(keyFile: string): KeyObject {
  const key = parseKey(keyOnce(keyFile, newKey), keyFile);
  const own = publicText(key);
  const known = publicLines(keyFile);
  if (!known.includes(own)) replaceFile(publicFile(keyFile), `${[...known, own].join('\n')}\n`, 0o644);
  return key;
}

/** Public keys whose signatures count: the private key's own and those of the public file. */
export function trustedKeys(keyFile: string): ReadonlySet<string> {
  const trusted = new Set(publicLines(keyFile));
  if (existsSync(keyFile)) trusted.add(publicText(parseKey(readFileSync(keyFile), keyFile)));
  return trusted;
}

export function signCheckpoint(body: Omit<Checkpoint, 'signature' | 'key'>, key: KeyObject): Checkpoint {
  const unsigned = { ...body, key: publicText(key) };
  return { ...unsigned, signature: sign(null, Buffer.from(canonicalJson(unsigned)), key).toString('base64') };
}

/** True when a trusted key signed exactly these members. */
export function isSigned(checkpoint: Checkpoint, trusted: ReadonlySet<string>): boolean {
  if (!trusted.has(checkpoint.key)) return false;
  const { signature, ...unsigned } = checkpoint;
  try {
    const key = createPublicKey({ key: Buffer.from(checkpoint.key, 'base64'), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(canonicalJson(unsigned)), key, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

function newKey(): Buffer {
  return Buffer.from(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

export function parseKey(pem: Buffer, from: string, remedy = 'restore it from the backup, or move it away to have a new one made'): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below: the parser's own words could quote the file.
  }
  throw new HoldfastError('Invalid', `ledger: ${from} is not an Ed25519 private key`, { remedy });
}

export function publicText(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');
}

function publicLines(keyFile: string): readonly string[] {
  const file = publicFile(keyFile);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').map((line) => line.trim()).filter((line) => line !== '');
}
