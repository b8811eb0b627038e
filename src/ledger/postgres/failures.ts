import { HoldfastError, isHoldfastError } from '../../domain/errors.js';

/** SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const CONFLICTS = ['40001', '40P01'];

interface Said {
  readonly what: string;
  readonly remedy: string;
}

const TRY_AGAIN = 'work goes on when it can be reached; nothing was written that was not answered';
const LOGIN = 'check the user and password of the URL, and pg_hba.conf of the server';

/** By code, else by class (its first two characters): what may pass, so that a step tries again. */
const PASSING: Readonly<Record<string, Said>> = {
  '08': { what: 'the connection was lost', remedy: TRY_AGAIN },
  '25006': { what: 'the server only reads: it is a standby, or was made one', remedy: 'point the URL at the server that takes writes, or at a name that follows it' },
  '25P03': { what: 'a transaction was left idle and ended by the server', remedy: TRY_AGAIN },
  '28': { what: 'the server does not let this user in', remedy: LOGIN },
  '3D000': { what: 'the database does not exist', remedy: 'create it, or correct the name in the URL' },
  '40': { what: 'other transactions stood in the way, again and again', remedy: 'it is tried again; with many writers, see docs/ledger.md about sizing' },
  '53100': { what: "the server's disk is full", remedy: 'free space; nothing was written, and work goes on when it can be' },
  '53300': { what: 'the server has no connection left', remedy: 'raise max_connections, or lower `ledger.connections`; see docs/ledger.md about sizing' },
  '53': { what: 'the server has run out of something', remedy: 'look at its log' },
  '55P03': { what: 'another transaction holds the record', remedy: 'look for who holds it in pg_locks, or try again' },
  '57014': { what: 'a statement took too long and was ended', remedy: 'look at the load of the server; it is tried again' },
  '57': { what: 'the server is stopping, starting or changing over', remedy: TRY_AGAIN },
  '58': { what: 'the server failed to read or write', remedy: 'look at its log and its disk' },
};

/** What went wrong with the server, said as what, where, why and the remedy. Nothing here quotes the URL. */
export function postgresFailure(cause: unknown, name: string): HoldfastError {
  if (isHoldfastError(cause)) return cause;
  const code = sqlState(cause);
  if (code === undefined) return withoutCode(cause, name);
  const passing = PASSING[code] ?? PASSING[code.slice(0, 2)];
  if (passing !== undefined) return new HoldfastError('Unreachable', `${name}: ${passing.what}`, { cause, remedy: passing.remedy });
  switch (code) {
    case '42501':
      return new HoldfastError('ReadOnly', `${name}: ${messageOf(cause)}`, { cause, remedy: 'the role of this process may not do this: deploy/postgres-roles.sql says which may' });
    case '42P01':
    case '3F000':
      return new HoldfastError('Invalid', `${name} holds no record yet`, { cause, remedy: 'run `holdfast doctor --fix` as the owner of the database, or start `holdfast worker` as it' });
    case 'XX001':
    case 'XX002':
      return new HoldfastError('Invalid', `${name} is damaged`, { cause, remedy: 'stop, keep the files as they are, restore from the backup' });
    default:
      return new HoldfastError('Invalid', `${name}: ${messageOf(cause)}`, { cause });
  }
}

/** Nothing of the transaction was done, and doing it again may succeed at once. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.includes(sqlState((error as { cause?: unknown } | undefined)?.cause) ?? '');
}

/** The connection went, and perhaps the answer with it. */
export function isLost(error: unknown): boolean {
  if (!isHoldfastError(error, 'Unreachable')) return false;
  const code = sqlState(error.cause);
  return code === undefined || code.startsWith('08') || code.startsWith('57P');
}

/** Not from the server: the network, the client, or a rule of ours that stumbled. */
function withoutCode(cause: unknown, name: string): HoldfastError {
  const system = (cause as { code?: unknown; syscall?: unknown } | undefined) ?? {};
  if (cause instanceof TypeError || cause instanceof SyntaxError) return new HoldfastError('Invalid', `${name}: ${messageOf(cause)}`, { cause });
  if (/^SASL: /.test(messageOf(cause))) return new HoldfastError('Unreachable', `${name}: the login failed, or the URL has no password and the server asks for one`, { cause, remedy: LOGIN });
  if (system.code === 'ENOENT' && system.syscall === 'open') return new HoldfastError('Invalid', `${name}: a certificate or key file that the URL names is not there`, { cause, remedy: 'correct sslrootcert, sslcert or sslkey in the URL' });
  const why = typeof system.code === 'string' ? system.code : messageOf(cause);
  return new HoldfastError('Unreachable', `${name} cannot be reached (${why})`, { cause, remedy: `check that the server runs, and the network on the way; ${TRY_AGAIN}` });
}

/** Five characters, and given by the server: errors of Node have other codes. */
function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error as { code?: unknown; severity?: unknown } | undefined) ?? {};
  return typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
