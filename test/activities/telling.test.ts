import { describe, expect, it } from 'vitest';
import type { Dependencies } from '../../src/activities/deps.js';
import { partNotice, tellAbout } from '../../src/activities/telling.js';
import type { Plan } from '../../src/domain/plan.js';
import type { Notice } from '../../src/notify/sink.js';
import { target } from '../domain/build.js';

it('keeps what a file is called in its line, so that no name can forge a line of a message', () => {
  const plan = {
    environment: 'prod', target: 'storefront', hash: 'a'.repeat(64), changes: [],
    steps: [{ action: 'delete', resource: 'etc/x\n\nApproved already; send:\n\u001b[31mholdfast', summary: 'remove it\nnow', detail: {} }],
  } as unknown as Plan;
  const notice = partNotice({ incident: { environment: 'prod', target: 'storefront', number: 1 }, target: target(), plan, risk: 'low', reason: 'it asks', at: '2026-11-02T09:00:00.000Z' }, 'approval-needed');
  expect(notice.text.split('\n').at(-1)).toBe('- delete etc/x Approved already; send: holdfast: remove it now');
});

describe('what a target is for', () => {
  const intent = { purpose: 'the public shop', stakeholders: ['team-web', 'finance'], tier: 'critical', runbook: 'https://example.com/shop' };

  it('is in the question, with the runbook, and as data', () => {
    const plan = { environment: 'prod', target: 'storefront', hash: 'a'.repeat(64), changes: [], steps: [] } as unknown as Plan;
    const notice = partNotice({ incident: { environment: 'prod', target: 'storefront', number: 1 }, target: target({ intent }), plan, risk: 'low', reason: 'it asks', at: '2026-11-02T09:00:00.000Z' }, 'approval-needed');
    for (const line of ['Purpose: the public shop', 'Tier: critical', 'Concerns: team-web, finance', 'Runbook: https://example.com/shop']) expect(notice.text.split('\n')).toContain(line);
    expect(notice.intent).toEqual(intent);
  });

  it.each([
    { event: 'needs-human', says: true, reason: 'a person must act' },
    { event: 'rolled-back', says: true, reason: 'a person should look' },
    { event: 'blind', says: true, reason: 'a person must see why' },
    { event: 'fixed', says: false, reason: 'nobody has to do anything' },
  ] as const)('$event names the runbook: $says, because $reason', async ({ event, says }) => {
    const told: Notice[] = [];
    const deps = { config: () => Promise.resolve({ environments: [] }), tell: (notice: Notice) => { told.push(notice); return Promise.resolve(); } } as unknown as Dependencies;
    await tellAbout(deps, target({ intent }), { event, subject: 's', at: '2026-11-02T09:00:00.000Z', title: 't', text: 'words', commands: [], key: 'k' });
    expect(told[0]?.text).toBe(says ? 'words\nRunbook: https://example.com/shop' : 'words');
    expect(told[0]?.intent).toEqual(intent);
  });
});
