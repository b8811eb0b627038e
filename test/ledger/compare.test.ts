import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import { compareRows } from '../../src/ledger/compare.js';
import { FIRST, openBench, openIncident, type Bench } from '../activities/bench.js';

describe('rows against the record', () => {
  let on: Bench;
  let file: string;

  /** One incident that ended, after a decision about a plan; another that is open. */
  beforeEach(async () => {
    on = await openBench();
    const part = await openIncident(on);
    await on.ledger.ask({ ...FIRST, id: 'several', part: 2, plan: part.plan ?? '', at: on.at(), kind: 'person', rules: [] });
    await on.ledger.vote({ ...FIRST, ask: 'several', plan: part.plan ?? '', person: 'alice', by: 'alice', verified: true, at: on.later(1_000), run: 'run', message: 'm' });
    await on.ledger.closeIncident(FIRST, { at: on.later(1_000), outcome: 'cancelled', parts: [{ part: 1, outcome: 'cancelled', plan: part.plan ?? '' }], narrative: 'it was cancelled', settled: [] });
    await on.ledger.openIncident({ address: FIRST, at: on.later(1_000), drift: 'd', kind: 'drift' });
    const { ledger } = await on.deps.config();
    file = ledger.type === 'sqlite' ? ledger.file : '';
    expect(await compareRows(on.ledger)).toEqual([]);
  });

  const rows: readonly { reason: string; sql: string; says: RegExp }[] = [
    { reason: 'an outcome made better', sql: "UPDATE incidents SET outcome = 'fixed' WHERE number = 1", says: /prod\/storefront#1: outcome of its row is not what entry \d+ says/ },
    { reason: 'a story told otherwise', sql: "UPDATE incidents SET narrative = 'nothing happened' WHERE number = 1", says: /#1: narrative of its row/ },
    { reason: 'another plan beside its part', sql: "UPDATE incidents SET parts = '[]' WHERE number = 1", says: /#1: parts of its row/ },
    { reason: 'one that ended, opened again', sql: 'DELETE FROM incidents WHERE number = 2; UPDATE incidents SET closed_at = NULL, outcome = NULL WHERE number = 1', says: /#1: its row is open, and entry \d+ says that it ended cancelled/ },
    { reason: 'one that is open, ended', sql: "UPDATE incidents SET closed_at = '2030-01-01T00:00:00.000Z', outcome = 'fixed' WHERE number = 2", says: /#2: its row says fixed, and no entry says that it ended/ },
    { reason: 'one that is gone', sql: 'DELETE FROM incidents WHERE number = 1', says: /#1: its row was removed, and entry \d+ opened it/ },
    { reason: 'a decision in another name', sql: "UPDATE decisions SET row = json_set(row, '$.by', 'mallory')", says: /#1: by of the decision about plan [0-9a-f]{12} is not what entry \d+ says/ },
    { reason: 'a decision for another plan', sql: "UPDATE decisions SET row = json_set(row, '$.plan', 'ffffffffffffffff')", says: /#1: plan of the decision about plan ffffffffffff/ },
    { reason: 'a decision for another run', sql: "UPDATE decisions SET row = json_set(row, '$.run', 'another')", says: /#1: run of the decision/ },
    { reason: 'a decision that was taken away', sql: 'DELETE FROM decisions', says: /#1: the decision of entry \d+ was removed/ },
    { reason: 'an approval in another name', sql: "UPDATE votes SET person = 'bob', row = json_set(row, '$.person', 'bob')", says: /#1: an approval of bob of plan [0-9a-f]{12} is in no entry/ },
    { reason: 'an approval of another plan', sql: "UPDATE votes SET row = json_set(row, '$.plan', 'ffffffffffffffff')", says: /#1: plan of the approval of alice/ },
    { reason: 'an approval that nobody gave', sql: "INSERT INTO votes SELECT ask, 'bob', environment, target, number, 'm2', run, seq, json_set(row, '$.person', 'bob') FROM votes", says: /#1: an approval of bob/ },
    { reason: 'an approval that was taken away', sql: 'DELETE FROM votes', says: /#1: the approval of entry \d+ was removed/ },
    { reason: 'a plan with another step', sql: "UPDATE plans SET plan = json_set(plan, '$.steps[0].summary', 'remove everything')", says: /#1: plan [0-9a-f]{12} is not what was hashed/ },
  ];
  it.each(rows)('names $reason, though every entry verifies', async ({ sql, says }) => {
    const database = new DatabaseSync(file);
    database.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
    database.close();
    expect(await on.ledger.verify()).toMatchObject({ ok: true });
    const differing = await compareRows(on.ledger);
    expect(differing.length).toBeGreaterThan(0);
    expect(differing.join('\n')).toMatch(says);
  });
});
