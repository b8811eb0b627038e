import { createHash, generateKeyPairSync, sign as signWith, type KeyObject } from 'node:crypto';
import { wireString } from '../../src/trust/wire.js';

/** A person's key that signs as `ssh-keygen -Y sign` does: for machines that have none, and for what it would never make. */
export interface Signer {
  /** As in a `.pub` file. */
  readonly line: string;
  readonly fingerprint: string;
  sign(message: string, more?: Partial<SignatureParts>): string;
}

/** What stands in a signature; each may be made wrong. */
export interface SignatureParts {
  readonly namespace: string;
  readonly hash: string;
  readonly version: number;
  readonly reserved: string;
  /** The public key that is named in it. */
  readonly key: Buffer;
  readonly algorithm: string;
  /** Of security keys: touched, and how often. */
  readonly flags: number;
  readonly counter: number;
}

export type SignerType = 'ssh-ed25519' | 'ssh-rsa' | 'ecdsa-sha2-nistp256' | 'ecdsa-sha2-nistp384' | 'ecdsa-sha2-nistp521' | 'sk-ssh-ed25519@openssh.com' | 'sk-ecdsa-sha2-nistp256@openssh.com';

const CURVES = { nistp256: 'sha256', nistp384: 'sha384', nistp521: 'sha512' } as const;
const APPLICATION = 'ssh:';

/** A new key. A security key is played by one in software: what it signs and how is what a real one does. */
export function signer(type: SignerType = 'ssh-ed25519', rsaBits = 2_048): Signer {
  const { privateKey, blob, curve } = keyPair(type, rsaBits);
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  return {
    line: `${type} ${blob.toString('base64')}`,
    fingerprint,
    sign(message, more = {}) {
      const parts: SignatureParts = { namespace: 'holdfast-approval', hash: 'sha512', version: 1, reserved: '', key: blob, algorithm: type === 'ssh-rsa' ? 'rsa-sha2-512' : type, flags: 1, counter: 7, ...more };
      const digest = createHash(parts.hash).update(message).digest();
      const signed = Buffer.concat([Buffer.from('SSHSIG'), wireString(parts.namespace), wireString(parts.reserved), wireString(parts.hash), wireString(digest)]);
      const made = type.startsWith('sk-') ? byToken(signed, { type, privateKey, parts }) : Buffer.concat([wireString(parts.algorithm), wireString(bySoftware(signed, { privateKey, curve, algorithm: parts.algorithm }))]);
      return armoured(Buffer.concat([Buffer.from('SSHSIG'), uint32(parts.version), wireString(parts.key), wireString(parts.namespace), wireString(parts.reserved), wireString(parts.hash), wireString(made)]));
    },
  };
}

export function armoured(bytes: Buffer): string {
  return `-----BEGIN SSH SIGNATURE-----\n${bytes.toString('base64').replace(/.{70}(?=.)/g, '$&\n')}\n-----END SSH SIGNATURE-----\n`;
}

/** The bytes between the lines. */
export function unarmoured(text: string): Buffer {
  return Buffer.from(text.split('\n').filter((line) => !line.startsWith('-----')).join(''), 'base64');
}

type Curve = keyof typeof CURVES;

function keyPair(type: SignerType, rsaBits: number): { readonly privateKey: KeyObject; readonly blob: Buffer; readonly curve?: Curve } {
  const application = type.startsWith('sk-') ? [wireString(APPLICATION)] : [];
  if (type.includes('ed25519')) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    return { privateKey, blob: Buffer.concat([wireString(type), wireString(bytesOf(publicKey.export({ format: 'jwk' }).x)), ...application]) };
  }
  if (type === 'ssh-rsa') {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: rsaBits });
    const { e, n } = publicKey.export({ format: 'jwk' });
    return { privateKey, blob: Buffer.concat([wireString(type), wireNumber(bytesOf(e)), wireNumber(bytesOf(n))]) };
  }
  const curve = (/nistp\d+/.exec(type)?.[0] ?? 'nistp256') as Curve;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: `P-${curve.slice('nistp'.length)}` });
  const { x, y } = publicKey.export({ format: 'jwk' });
  return { privateKey, curve, blob: Buffer.concat([wireString(type), wireString(curve), wireString(Buffer.concat([Buffer.from([4]), bytesOf(x), bytesOf(y)])), ...application]) };
}

function bySoftware(signed: Buffer, { privateKey, curve, algorithm }: { readonly privateKey: KeyObject; readonly curve?: Curve | undefined; readonly algorithm: string }): Buffer {
  if (curve !== undefined) {
    const made = signWith(CURVES[curve], signed, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return Buffer.concat([wireNumber(made.subarray(0, made.length / 2)), wireNumber(made.subarray(made.length / 2))]);
  }
  const hash = algorithm === 'ssh-rsa' ? 'sha1' : algorithm === 'rsa-sha2-256' ? 'sha256' : 'sha512';
  return signWith(privateKey.asymmetricKeyType === 'rsa' ? hash : null, signed, privateKey);
}

function byToken(signed: Buffer, { type, privateKey, parts }: { readonly type: SignerType; readonly privateKey: KeyObject; readonly parts: SignatureParts }): Buffer {
  const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();
  const said = Buffer.concat([Buffer.from([parts.flags]), uint32(parts.counter)]);
  const whole = Buffer.concat([sha256(APPLICATION), said, sha256(signed)]);
  return Buffer.concat([wireString(parts.algorithm), wireString(bySoftware(whole, { privateKey, curve: type.includes('nistp256') ? 'nistp256' : undefined, algorithm: parts.algorithm })), said]);
}

function wireNumber(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const number = bytes.subarray(Math.max(first, 0));
  return wireString((number[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), number]) : number);
}

function bytesOf(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
