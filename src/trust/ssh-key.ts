import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { fromBase64, read, unreadable, Wire, type Read } from './wire.js';

export type KeyType =
  | 'ssh-ed25519' | 'ssh-rsa' | 'ecdsa-sha2-nistp256' | 'ecdsa-sha2-nistp384' | 'ecdsa-sha2-nistp521'
  | 'sk-ssh-ed25519@openssh.com' | 'sk-ecdsa-sha2-nistp256@openssh.com';

/** A public key that signatures are verified with. */
export interface PublicKey {
  readonly type: KeyType;
  /** `SHA256:` and unpadded base64, as `ssh-keygen -l` shows it. */
  readonly fingerprint: string;
  readonly verifier: KeyObject;
  /** Of the modulus of an RSA key, in bytes. */
  readonly modulusBytes?: number;
  /** Of a security key: what it was made for, `ssh:` by default. */
  readonly application?: string;
}

/** An RSA key of 8192 bits has about 1,050 bytes, and every other key fewer. */
const LONGEST_KEY = 1_200;
const RSA_BITS = { least: 2_048, most: 8_192 } as const;
const CURVES: Readonly<Record<string, { readonly crv: string; readonly bytes: number }>> = {
  nistp256: { crv: 'P-256', bytes: 32 },
  nistp384: { crv: 'P-384', bytes: 48 },
  nistp521: { crv: 'P-521', bytes: 66 },
};
const TORN = 'its bytes are not those of a public key';

/** A line as in a `.pub` file: type, base64, and maybe a comment. Never throws. */
export function parseKeyLine(line: string): Read<PublicKey> {
  const [type = '', encoded = ''] = line.split(' ');
  const blob = encoded.length > 2 * LONGEST_KEY ? undefined : fromBase64(encoded);
  if (blob === undefined) return unreadable(TORN);
  const key = parseKey(blob);
  if (key.ok && key.value.type !== type) return unreadable(`it says ${type} and is ${key.value.type}`);
  return key;
}

/** A public key as SSH sends it (RFC 4253, 5656 and 8709, and PROTOCOL.u2f of OpenSSH). Never throws. */
export function parseKey(blob: Buffer): Read<PublicKey> {
  if (blob.length > LONGEST_KEY) return unreadable(TORN);
  const wire = new Wire(blob);
  const type = wire.text();
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  switch (type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com': {
      const point = wire.string();
      const application = type === 'ssh-ed25519' ? undefined : wire.text();
      if (point?.length !== 32 || !wire.whole) return unreadable(TORN);
      return made({ type, fingerprint, ...(application === undefined ? {} : { application }) }, { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') });
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const curve = wire.text() ?? '';
      const point = wire.string();
      const application = type.startsWith('sk-') ? wire.text() : undefined;
      const known = type.includes(`-${curve}`) ? CURVES[curve] : undefined;
      if (known === undefined || point?.length !== 1 + 2 * known.bytes || point[0] !== 4 || !wire.whole) return unreadable(TORN);
      const x = point.subarray(1, 1 + known.bytes).toString('base64url');
      const y = point.subarray(1 + known.bytes).toString('base64url');
      return made({ type, fingerprint, ...(application === undefined ? {} : { application }) }, { kty: 'EC', crv: known.crv, x, y });
    }
    case 'ssh-rsa': {
      const exponent = wire.number();
      const modulus = wire.number();
      if (exponent === undefined || modulus === undefined || !isExponent(exponent) || !wire.whole) return unreadable(TORN);
      const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
      if (bits < RSA_BITS.least) return unreadable(`an RSA key of ${bits} bits is too short: ${RSA_BITS.least} are the least`);
      if (bits > RSA_BITS.most) return unreadable(`an RSA key of ${bits} bits is too long: ${RSA_BITS.most} are the most`);
      return made({ type, fingerprint, modulusBytes: modulus.length }, { kty: 'RSA', e: exponent.toString('base64url'), n: modulus.toString('base64url') });
    }
    default:
      return unreadable('it is of a kind that is not taken: ssh-ed25519, ecdsa-sha2-nistp256, -384 and -521, ssh-rsa, and the sk- forms of the first two are');
  }
}

/** With 1, anybody could sign; an even one is none. */
function isExponent(bytes: Buffer): boolean {
  const last = bytes.at(-1) ?? 0;
  return bytes.length <= 8 && last % 2 === 1 && (bytes.length > 1 || last >= 3);
}

/** A point that is not on its curve is no key. */
function made(rest: Omit<PublicKey, 'verifier'>, key: JsonWebKey): Read<PublicKey> {
  try {
    return read({ ...rest, verifier: createPublicKey({ key, format: 'jwk' }) });
  } catch {
    return unreadable(TORN);
  }
}
