import { HoldfastError, isHoldfastError } from '../../domain/errors.js';

/** Primary result codes of SQLite: https://www.sqlite.org/rescode.html */
const CODES = { busy: 5, locked: 6, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, constraint: 19, notADatabase: 26 } as const;

const RESTORE = 'restore the file with its -wal from a backup, or move it away to begin a new record';

/** What went wrong with the ledger's file, said as what, where, why and the remedy. */
export function sqliteFailure(cause: unknown, file: string): HoldfastError {
  if (isHoldfastError(cause)) return cause;
  if (isFileError(cause)) return unreachable(cause, `ledger ${file}: a file beside it cannot be written (${cause.code})`, 'check the owner and mode of its folder, and that the disk is not full');
  const code = resultCode(cause);
  switch (code) {
    case CODES.busy:
    case CODES.locked:
      return unreachable(cause, `ledger ${file} is held by another process`, 'find who holds it (fuser), or try again');
    case CODES.readOnly:
      return unreachable(cause, `ledger ${file} cannot be written`, 'check the owner and mode of the file and its folder');
    case CODES.full:
      return unreachable(cause, `ledger ${file}: the disk is full`, 'free space; nothing was written, and work goes on when it can be');
    case CODES.io:
      return unreachable(cause, `ledger ${file}: the disk failed to read or write`, 'check the disk');
    case CODES.cannotOpen:
      return unreachable(cause, `ledger ${file} cannot be opened`, 'check that the folder exists and that file and folder can be read and written');
    case CODES.corrupt:
      return new HoldfastError('Invalid', `ledger ${file} is damaged`, { cause, remedy: RESTORE });
    case CODES.notADatabase:
      return new HoldfastError('Invalid', `ledger ${file} is not a SQLite database`, { cause, remedy: `point the configuration at the ledger, or ${RESTORE}` });
    case CODES.constraint:
      return new HoldfastError('Invalid', `ledger ${file} refused a row: ${messageOf(cause)}`, { cause });
    default:
      return new HoldfastError('Invalid', `ledger ${file}: ${messageOf(cause)}`, { cause });
  }
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === CODES.busy || code === CODES.locked;
}

function unreachable(cause: unknown, message: string, remedy: string): HoldfastError {
  return new HoldfastError('Unreachable', message, { cause, remedy });
}

/** From the file system itself, as when the checkpoint's copy is written. */
function isFileError(error: unknown): error is { readonly code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** The low byte is the primary code; the rest tells variants apart that need the same remedy. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
