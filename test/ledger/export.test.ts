import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../../src/digest.js';
import type { Json, JsonObject } from '../../src/domain/json.js';
import { exportEntries } from '../../src/ledger/export.js';
import { all, minute, SHOP } from './contract/harness.js';
import { openSqliteHarness, type SqliteHarness } from './sqlite-harness.js';

describe('exporting the record', () => {
  let harness: SqliteHarness;
  beforeEach(async () => {
    harness = await openSqliteHarness();
    await harness.ledger.append({ at: minute(0), kind: 'refused', ...SHOP, incident: 1, by: '=HYPERLINK("http://evil")', data: { reason: 'a "quoted", line\nbreak' } });
    await harness.ledger.append({ at: minute(1), kind: 'gate', environment: 'prod', by: '@sum', data: {} });
  });
  afterEach(async () => harness.dispose());

  it('writes JSON Lines whose hashes can be computed again from the lines', async () => {
    const lines = await all(exportEntries(harness.ledger, {}, 'jsonl'));
    let previous = '0'.repeat(64);
    for (const line of lines) {
      const { hash, ...rest } = JSON.parse(line) as { hash: string; previous: string } & JsonObject;
      expect(rest.previous).toBe(previous);
      expect(sha256(canonicalJson(rest as Json))).toBe(hash);
      previous = hash;
    }
    expect(lines).toHaveLength(2);
  });

  it('writes CSV that no spreadsheet runs, with the filter applied', async () => {
    const [header, first, ...rest] = await all(exportEntries(harness.ledger, { kinds: ['refused'] }, 'csv'));
    expect(header).toBe('seq,at,kind,environment,target,incident,by,data,previous,hash\r\n');
    expect(first).toContain(`"refused","prod","storefront","1","'=HYPERLINK(""http://evil"")","{""reason"":""a \\""quoted\\"", line\\nbreak""}"`);
    expect(rest).toEqual([]);
    expect((await all(exportEntries(harness.ledger, { after: 1 }, 'csv')))[1]).toContain(`"gate","prod",,,"'@sum"`);
  });
});
