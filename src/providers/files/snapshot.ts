import { HoldfastError } from '../../domain/errors.js';
import { stateDigest, type State } from './seal.js';
import type { TargetAddress } from '../../domain/address.js';

/** What a repair found at one path, and the digest of what it puts there. */
export interface Touched {
  readonly resource: string;
  readonly before: State;
  readonly after: string;
}

export interface Snapshot {
  /** Sorted by resource. */
  readonly touched: readonly Touched[];
  /** Folders that were not there and are made on the way. */
  readonly folders: readonly string[];
}

const VERSION = 1;

type Head = {
  readonly version: number;
  readonly folders: readonly string[];
  readonly touched: readonly { readonly resource: string; readonly after: string; readonly before: { readonly type: State['type']; readonly bytes?: number; readonly mode?: number; readonly uid?: number; readonly gid?: number; readonly target?: string } }[];
};

/** A length, a head in JSON, and the contents one after the other: bytes stay bytes, and equal snapshots are equal. */
export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const head: Head = {
    version: VERSION,
    folders: snapshot.folders,
    touched: snapshot.touched.map(({ resource, after, before }) => {
      if (before.type !== 'file') return { resource, after, before };
      const { type, mode, uid, gid, content } = before;
      return { resource, after, before: { type, mode, uid, gid, bytes: content.length } };
    }),
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ...snapshot.touched.flatMap(({ before }) => (before.type === 'file' ? [before.content] : []))]);
}

export function decodeSnapshot(content: Uint8Array): Snapshot {
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const length = buffer.readUInt32BE(0);
  const head = JSON.parse(buffer.subarray(4, 4 + length).toString('utf8')) as Head;
  if (head.version !== VERSION) throw new HoldfastError('ArtifactLost', 'the snapshot was written by a version that this one does not know', { remedy: 'finish the incident with the version that began it' });
  let at = 4 + length;
  const touched = head.touched.map(({ resource, after, before }): Touched => {
    const bytes = before.bytes ?? 0;
    at += bytes;
    return { resource, after, before: stateOf(before, buffer.subarray(at - bytes, at)) };
  });
  return { touched, folders: head.folders };
}

/** Where a path stands between what was found and what the repair puts there. */
export type Standing = 'before' | 'after' | 'other';

export function standingOf(address: TargetAddress, touched: Touched, now: State): Standing {
  const digest = stateDigest(address, now);
  if (digest === touched.after) return 'after';
  return digest === stateDigest(address, touched.before) ? 'before' : 'other';
}

function stateOf(before: Head['touched'][number]['before'], content: Buffer): State {
  switch (before.type) {
    case 'absent':
      return { type: 'absent' };
    case 'symlink':
      return { type: 'symlink', target: before.target ?? '' };
    case 'file':
      return { type: 'file', content, mode: before.mode ?? 0o600, uid: before.uid ?? 0, gid: before.gid ?? 0 };
  }
}
