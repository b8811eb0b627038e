import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/domain/errors.js';
import { sqliteFailure } from '../../src/ledger/sqlite/failures.js';

describe('failures of SQLite', () => {
  const cases: readonly { reason: string; errcode: number; retryable: boolean; message: RegExp }[] = [
    { reason: 'another process writes', errcode: 5, retryable: true, message: /held by another process/ },
    { reason: 'a reader of an old snapshot wants to write (SQLITE_BUSY_SNAPSHOT)', errcode: 5 | (2 << 8), retryable: true, message: /held by another process/ },
    { reason: 'a file system that was remounted for reading', errcode: 8, retryable: true, message: /cannot be written/ },
    { reason: 'a disk that fails (SQLITE_IOERR_FSYNC)', errcode: 10 | (4 << 8), retryable: true, message: /disk failed/ },
    { reason: 'a full disk: work goes on when there is space', errcode: 13, retryable: true, message: /disk is full/ },
    { reason: 'damage is not repaired by trying again', errcode: 11, retryable: false, message: /is damaged/ },
    { reason: 'a file of something else', errcode: 26, retryable: false, message: /not a SQLite database/ },
    { reason: 'anything else keeps its words', errcode: 1, retryable: false, message: /no such table/ },
  ];
  it.each(cases)('$reason', ({ errcode, retryable, message }) => {
    const failure = sqliteFailure(Object.assign(new Error('no such table: entries'), { errcode }), '/data/ledger.db');
    expect(failure).toMatchObject({ retryable, message: expect.stringMatching(message) as string });
    expect(failure.message).toContain('/data/ledger.db');
  });

  it('lets a step try again when a file beside the database could not be written', () => {
    const cause = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write', errno: -28 });
    expect(sqliteFailure(cause, '/data/ledger.db')).toMatchObject({ retryable: true, message: expect.stringContaining('ENOSPC') as string });
  });

  it('passes on what is said already', () => {
    const said = new HoldfastError('Fenced', 'late');
    expect(sqliteFailure(said, '/data/ledger.db')).toBe(said);
  });
});
