import { expect, it } from 'vitest';
import { HoldfastError } from '../../src/domain/errors.js';
import { FIRST, openBench, openIncident, RUN, SHOP } from './bench.js';

it('a plan whose row was changed keeps no incident from ending, and what ended stays ended', async () => {
  const on = await openBench({ target: { remediation: 'ask' } });
  const part = await openIncident(on);
  Object.assign(on.ledger, { plan: () => Promise.reject(new HoldfastError('Invalid', 'the plan does not match its hash')) });
  await on.run('close', {
    incident: FIRST, run: RUN, outcome: 'needs-human', malformed: 0,
    parts: [{ part: part.part, outcome: 'needs-human', decision: 'ask', plan: part.plan ?? '', reason: 'its plan was changed' }],
  });
  expect(await on.ledger.incident(SHOP)).toMatchObject({ outcome: 'needs-human', closedAt: on.at() });
  await on.check();
  expect(await on.ledger.incidents({ open: true })).toEqual([]);
});
