import { createHmac, hash, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { formatAddress, type TargetAddress } from '../../domain/address.js';
import type { Json } from '../../domain/json.js';
import { canonicalJson } from '../../digest.js';
import type { Attributes } from './entry.js';

const derive = promisify<string, string, number, Buffer>(scrypt);

export function sha256(content: Buffer): string {
  return hash('sha256', content, 'hex');
}

/** A digest bound to its target, so that equal files of two targets cannot be told to be equal by it. */
export function keyed(address: TargetAddress, ...parts: readonly string[]): string {
  const hmac = createHmac('sha256', `holdfast/files/${formatAddress(address)}`);
  for (const part of parts) hmac.update(`${part.length}:${part}`);
  return hmac.digest('hex');
}

/** A digest of secrets that is slow to guess against, for what stands in plans. */
export async function sealOf(address: TargetAddress, values: Json): Promise<string> {
  const sealed = await derive(canonicalJson(values), `holdfast/files/${formatAddress(address)}`, 32);
  return sealed.toString('hex');
}

/** What a repair found or leaves at one path. */
export type State =
  | { readonly type: 'absent' }
  | { readonly type: 'symlink'; readonly target: string }
  | ({ readonly type: 'file'; readonly content: Buffer } & Attributes);

export function stateDigest(address: TargetAddress, state: State): string {
  switch (state.type) {
    case 'absent':
      return keyed(address, 'absent');
    case 'symlink':
      return keyed(address, 'symlink', state.target);
    case 'file':
      return keyed(address, 'file', sha256(state.content), String(state.mode), String(state.uid), String(state.gid));
  }
}
