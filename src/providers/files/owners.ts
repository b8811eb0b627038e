import { lchownSync, readFileSync } from 'node:fs';
import { HoldfastError } from '../../domain/errors.js';
import { errorCode } from '../../system/error-code.js';
import { shown } from './errors.js';

export interface Owner {
  /** As the configuration writes it: the same on every machine. */
  readonly text: string;
  readonly uid: number;
  /** Absent when only the user is asked for. */
  readonly gid?: number;
}

/** Reads `user:group`, by name or number, with this machine's names. Throws `Invalid` for a name that it does not know. */
export function ownerOf(text: string): Owner {
  const [user = '', group] = text.split(':');
  const uid = idOf(user, '/etc/passwd', 'user');
  return group === undefined ? { text, uid } : { text, uid, gid: idOf(group, '/etc/group', 'group') };
}

export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

export function isOwnedBy(file: Ids, owner: Owner): boolean {
  return owner.uid === file.uid && (owner.gid === undefined || owner.gid === file.gid);
}

/** The owner of a file as numbers, with the group only where the rule names one. */
export function ownerText(file: Ids, owner: Owner): string {
  return owner.gid === undefined ? String(file.uid) : `${file.uid}:${file.gid}`;
}

/** Gives a file to its owner. Throws `Refused` with who it is when this process may not. */
export function giveTo(wanted: Ids, path: string, give: (uid: number, gid: number) => void = (uid, gid) => { lchownSync(path, uid, gid); }): void {
  try {
    give(wanted.uid, wanted.gid);
  } catch (cause) {
    if (errorCode(cause) !== 'EPERM') throw cause;
    const own = `${process.geteuid?.() ?? '?'}:${process.getegid?.() ?? '?'}`;
    throw new HoldfastError('Refused', `${shown(path)} must belong to ${wanted.uid}:${wanted.gid}, and this worker, ${own}, may not give files away`, {
      cause,
      remedy: 'run every write worker of the pool as the user that owns the files, or give it CAP_CHOWN and CAP_FOWNER',
    });
  }
}

const CAP_CHOWN = 1n;

/** Whether files can be given to others: as root, or with the capability for it. */
export function mayGiveAway(): boolean {
  if (process.geteuid?.() === 0) return true;
  try {
    const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return (BigInt(`0x${effective}`) & CAP_CHOWN) !== 0n;
  } catch {
    return false;
  }
}

function idOf(name: string, file: string, what: string): number {
  if (/^\d{1,10}$/.test(name)) return Number(name);
  const line = readFileSync(file, 'utf8').split('\n').find((each) => each.startsWith(`${name}:`));
  const id = Number(line?.split(':')[2] ?? Number.NaN);
  if (Number.isInteger(id)) return id;
  throw new HoldfastError('Invalid', `spec.owners: this machine knows no ${what} ${shown(name)}`, { remedy: 'create it, or write its number' });
}
