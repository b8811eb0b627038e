import { createPrivateKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** A certificate and its key as PEM. */
export interface Certificate {
  readonly crt: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  readonly name: string;
  /** `validMs` from now; below zero: it has expired. */
  issue(name: string, validMs?: number): Certificate;
}

const HOUR_MS = 3_600_000;

/** An authority that exists for one test; nothing but Node is needed to make it. */
export function authority(name: string): Authority {
  const own = keys();
  const crt = certificate({ subject: name, issuer: name, publicKey: own.publicKey, signer: own.privateKey, isAuthority: true, validMs: HOUR_MS });
  return {
    name,
    crt,
    key: pem(own.privateKey),
    issue(subject, validMs = HOUR_MS) {
      const pair = keys();
      const signer = createPrivateKey(pem(own.privateKey));
      return { crt: certificate({ subject, issuer: name, publicKey: pair.publicKey, signer, isAuthority: false, validMs }), key: pem(pair.privateKey) };
    },
  };
}

interface Making {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly isAuthority: boolean;
  readonly validMs: number;
}

function certificate({ subject, issuer, publicKey, signer, isAuthority, validMs }: Making): string {
  const until = Date.now() + validMs;
  const algorithm = sequence(identifier(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    nameOf(issuer),
    sequence(time(until - 24 * HOUR_MS), time(until)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(isAuthority ? basicConstraints() : alternativeNames())),
  );
  const signature = tagged(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, signer)]));
  const der = sequence(body, algorithm, signature).toString('base64').replace(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`;
}

function basicConstraints(): Buffer {
  return sequence(identifier(0x55, 0x1d, 0x13), tagged(0x01, Buffer.from([0xff])), tagged(0x04, sequence(tagged(0x01, Buffer.from([0xff])))));
}

/** `localhost` and 127.0.0.1. */
function alternativeNames(): Buffer {
  return sequence(identifier(0x55, 0x1d, 0x11), tagged(0x04, sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.from([127, 0, 0, 1])))));
}

function keys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function nameOf(name: string): Buffer {
  return sequence(tagged(0x31, sequence(identifier(0x55, 0x04, 0x03), tagged(0x0c, Buffer.from(name)))));
}

function time(at: number): Buffer {
  return tagged(0x17, Buffer.from(`${new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value);
}

function identifier(...bytes: readonly number[]): Buffer {
  return tagged(0x06, Buffer.from(bytes));
}

function sequence(...members: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(members));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
