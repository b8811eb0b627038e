import { HoldfastError, isHoldfastError } from '../../domain/errors.js';
import { oneLine } from '../../domain/plain-text.js';
import { errorCode } from '../../system/error-code.js';

/** A name from outside, as it may stand in a message. */
export function shown(name: string): string {
  return oneLine(name, 200);
}

const WAIT: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOSPC: ['the disk is full', 'free space on its file system; the step goes on by itself'],
  EDQUOT: ['the disk quota is used up', 'free space or raise the quota; the step goes on by itself'],
  EMFILE: ['too many files are open', 'raise the limit of open files of the worker'],
  ENFILE: ['too many files are open', 'raise the limit of open files of the machine'],
  EIO: ['the disk reports an input/output error', 'look at the disk and the kernel log'],
  ESTALE: ['the network file system lost the file', 'look at the mount'],
  EBUSY: ['it is in use', 'look at what holds it'],
};

const FINAL: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  EACCES: ['permission denied', 'run the worker as a user that may'],
  EPERM: ['operation not permitted', 'run the worker as a user that may, and look for immutable files'],
  EROFS: ['the file system is read-only', 'mount it writable'],
  ENAMETOOLONG: ['the name is too long', 'shorten it in the desired state'],
  ELOOP: ['a symbolic link stands where a file or folder belongs', 'remove the link'],
  ENOTDIR: ['a file stands where a folder belongs', 'move it away'],
  EISDIR: ['a folder stands where a file belongs', 'move it away'],
  EXDEV: ['it lies on another file system', 'keep releases and root on one file system'],
  ENOENT: ['it is not there', 'look whether something else removes it'],
};

/** Turns what the system said into what, where, why and the remedy. What is already told, or was cancelled, stays as it is. */
export function explain(error: unknown, doing: string): unknown {
  const code = errorCode(error);
  if (isHoldfastError(error) || !/^E[A-Z0-9]+$/.test(code)) return error;
  const wait = WAIT[code];
  const [what, remedy] = wait ?? FINAL[code] ?? [code, undefined];
  return new HoldfastError(wait === undefined ? 'Rejected' : 'Unreachable', `${doing}: ${what}`, { cause: error, ...(remedy === undefined ? {} : { remedy }) });
}

/** Two words for a system error in a list of reasons. */
export function briefly(error: unknown): string {
  if (isHoldfastError(error)) return error.message;
  const code = errorCode(error);
  return (WAIT[code] ?? FINAL[code])?.[0] ?? code;
}
