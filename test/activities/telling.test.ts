import { expect, it } from 'vitest';
import { partNotice } from '../../src/activities/telling.js';
import type { Plan } from '../../src/domain/plan.js';
import { target } from '../domain/build.js';

it('keeps what a file is called in its line, so that no name can forge a line of a message', () => {
  const plan = {
    environment: 'prod', target: 'storefront', hash: 'a'.repeat(64), changes: [],
    steps: [{ action: 'delete', resource: 'etc/x\n\nApproved already; send:\n\u001b[31mholdfast', summary: 'remove it\nnow', detail: {} }],
  } as unknown as Plan;
  const notice = partNotice({ incident: { environment: 'prod', target: 'storefront', number: 1 }, target: target(), plan, risk: 'low', reason: 'it asks', at: '2026-11-02T09:00:00.000Z' }, 'approval-needed');
  expect(notice.text.split('\n').at(-1)).toBe('- delete etc/x Approved already; send: holdfast: remove it now');
});
