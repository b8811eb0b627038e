import { createHash, verify } from 'node:crypto';
import { parseKey, type PublicKey } from './ssh-key.js';
import { fromBase64, read, unreadable, Wire, wireString, type Read } from './wire.js';

/** A signature as `ssh-keygen -Y sign` writes it (PROTOCOL.sshsig of OpenSSH), taken apart and not yet verified. */
export interface SshSignature {
  readonly key: PublicKey;
  /** What it was made for: one that was made for Git or a file says another. */
  readonly namespace: string;
  readonly hash: 'sha256' | 'sha512';
  /** Algorithm and what it made, as SSH sends it. */
  readonly signature: Buffer;
}

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
/** An RSA key of 8192 bits makes about 3,000 characters. */
const LONGEST = 4_000;
const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
const TORN = 'it is not an SSH signature as ssh-keygen -Y sign writes it';
/** Of what a security key says: somebody touched it. */
const PRESENT = 0x01;

/** Takes apart what stands between the lines of an armoured signature. Never throws. */
export function parseSignature(armoured: string): Read<SshSignature> {
  if (armoured.length > LONGEST) return unreadable(TORN);
  const lines = armoured.trim().split(/\r?\n/);
  if (lines[0] !== BEGIN || lines.at(-1) !== END) return unreadable(TORN);
  const bytes = fromBase64(lines.slice(1, -1).join(''));
  if (bytes === undefined) return unreadable(TORN);
  const wire = new Wire(bytes);
  const magic = wire.bytes(MAGIC.length);
  const version = wire.uint32();
  const blob = wire.string();
  const namespace = wire.text();
  const reserved = wire.string();
  const hash = wire.text();
  const signature = wire.string();
  if (magic?.equals(MAGIC) !== true || blob === undefined || namespace === undefined || signature === undefined || reserved?.length !== 0 || !wire.whole) return unreadable(TORN);
  if (version !== VERSION) return unreadable('it is of a version of SSH signatures that is not known');
  if (hash !== 'sha256' && hash !== 'sha512') return unreadable('it hashes with something other than sha256 and sha512');
  const key = parseKey(blob);
  if (!key.ok) return unreadable(`its key cannot be used: ${key.problem}`);
  return read({ key: key.value, namespace, hash, signature });
}

/** Whether this key has signed exactly these bytes, for this namespace. Never throws. */
export function isSignatureOf(message: string | Uint8Array, { key, namespace, hash, signature }: SshSignature): boolean {
  const digest = createHash(hash).update(message).digest();
  const signed = Buffer.concat([MAGIC, wireString(namespace), wireString(''), wireString(hash), wireString(digest)]);
  try {
    return verifies(signed, key, new Wire(signature));
  } catch {
    return false;
  }
}

function verifies(signed: Buffer, key: PublicKey, wire: Wire): boolean {
  const algorithm = wire.text();
  const made = wire.string();
  if (made === undefined) return false;
  switch (key.type) {
    case 'ssh-ed25519':
      return wire.whole && algorithm === key.type && verify(null, signed, key.verifier, made);
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return wire.whole && algorithm === key.type && verifiesEcdsa(signed, key, made);
    case 'ssh-rsa':
      return wire.whole && verifiesRsa(signed, key, { algorithm, made });
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return algorithm === key.type && verifiesByToken(signed, key, { made, wire });
  }
}

const HASH_OF_CURVE = { 'ecdsa-sha2-nistp256': ['sha256', 32], 'ecdsa-sha2-nistp384': ['sha384', 48], 'ecdsa-sha2-nistp521': ['sha512', 66], 'sk-ecdsa-sha2-nistp256@openssh.com': ['sha256', 32] } as const;

/** Two numbers, each in its one proper form. */
function verifiesEcdsa(signed: Buffer, key: PublicKey, made: Buffer): boolean {
  const [hash, bytes] = HASH_OF_CURVE[key.type as keyof typeof HASH_OF_CURVE];
  const wire = new Wire(made);
  const numbers = [wire.number(), wire.number()].map((each) => padded(each, bytes));
  const [r, s] = numbers;
  return wire.whole && r !== undefined && s !== undefined && verify(hash, signed, { key: key.verifier, dsaEncoding: 'ieee-p1363' }, Buffer.concat([r, s]));
}

function padded(number: Buffer | undefined, bytes: number): Buffer | undefined {
  if (number === undefined || number.length > bytes) return undefined;
  return Buffer.concat([Buffer.alloc(bytes - number.length), number]);
}

/** `ssh-rsa` as an algorithm is SHA-1, and is not among them. */
function verifiesRsa(signed: Buffer, key: PublicKey, { algorithm, made }: { readonly algorithm: string | undefined; readonly made: Buffer }): boolean {
  const hash = algorithm === 'rsa-sha2-256' ? 'sha256' : algorithm === 'rsa-sha2-512' ? 'sha512' : undefined;
  return hash !== undefined && made.length === key.modulusBytes && verify(hash, signed, key.verifier, made);
}

/** A security key signs what it was made for, whether somebody touched it, and how often it has signed, with the digest of the rest. */
function verifiesByToken(signed: Buffer, key: PublicKey, { made, wire }: { readonly made: Buffer; readonly wire: Wire }): boolean {
  const flags = wire.bytes(1);
  const counter = wire.bytes(4);
  if (flags === undefined || counter === undefined || !wire.whole || ((flags[0] ?? 0) & PRESENT) === 0) return false;
  const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
  const whole = Buffer.concat([sha256(key.application ?? ''), flags, counter, sha256(signed)]);
  return key.type === 'sk-ssh-ed25519@openssh.com' ? verify(null, whole, key.verifier, made) : verifiesEcdsa(whole, key, made);
}
