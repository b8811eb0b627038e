import { expect, it } from 'vitest';
import { entryText } from '../../src/cli/render/entry.js';

it('a command that an entry names has the plan that the entry is about, so that it can be typed', () => {
  const waits = 'inside the deny window "0 9 * * *" for 2h (UTC) of prod; or: holdfast approve prod/shop --plan HASH --break-glass --reason WHY';
  const text = entryText({ kind: 'assessed', data: { decision: 'remediate', plan: 'e22f58185c05'.padEnd(64, '0'), waits } });
  expect(text).toContain('--plan e22f58185c05 --break-glass');
  expect(text).not.toContain('HASH');
});
