import { hashJson } from '../../src/digest.js';
import { fingerprintOf, type Change, type Difference } from '../../src/domain/change.js';
import { makePlan, type Plan } from '../../src/domain/plan.js';
import type { DecisionInput } from '../../src/domain/deciding/decision.js';
import type { HttpCheck } from '../../src/domain/health.js';
import type { Target } from '../../src/domain/target.js';

export const SHOP = { environment: 'prod', target: 'storefront' } as const;

export function difference(overrides: Partial<Difference> = {}): Difference {
  return { resource: 'etc/app.yaml', kind: 'changed', path: '/port', desired: 1, actual: 2, sensitive: false, revision: 'r1', effect: 'update', ...overrides };
}

export function change(overrides: Partial<Difference> = {}): Change {
  const made = difference(overrides);
  return { ...made, fingerprint: fingerprintOf(SHOP, made, hashJson) };
}

export const HTTP: HttpCheck = {
  type: 'http', name: 'web', url: 'http://127.0.0.1:1/healthz', method: 'GET', headers: {}, expect: { status: [200] }, allowPrivate: true,
  intervalMs: 1, count: 1, initialDelayMs: 0, timeoutMs: 1000, failureLimit: 0, inconclusiveLimit: 0, consecutiveErrorLimit: 4,
};

export function target(overrides: Partial<Target> = {}): Target {
  return {
    ...SHOP, provider: 'files', pool: 'prod', source: { type: 'folder', folder: '/desired' }, spec: { root: '/srv/shop' }, expect: {}, health: [HTTP], ignore: [],
    remediation: 'auto', soakMs: 60_000, settleMs: 0, blindAfterMs: 3_600_000, observeTimeoutMs: 60_000, after: [], ...overrides,
  };
}

/** What a rule may look at, of a change that was seen before and healthy. */
export function decisionInput(overrides: Partial<DecisionInput> = {}): DecisionInput {
  return {
    target: target(), environment: { name: SHOP.environment, remediation: 'auto', timezone: 'UTC' }, change: change(),
    history: { recurrence: 0, firstLook: false }, at: '2026-11-02T09:00:00.000Z', ...overrides,
  };
}

export type PlanInput = Parameters<typeof makePlan>[0];

function planInput(overrides: Partial<PlanInput> = {}): PlanInput {
  return {
    ...SHOP, provider: 'files', spec: { root: '/srv/shop' }, changes: [change()],
    steps: [{ action: 'update', resource: 'etc/app.yaml', summary: 'write etc/app.yaml', detail: { digest: 'd1' } }],
    blastRadius: { create: 0, update: 1, replace: 0, delete: 0 }, staging: 'shadow', rollback: 'exact', fencing: 'conditional', ...overrides,
  };
}

export function plan(overrides: Partial<PlanInput> = {}): Plan {
  return makePlan(planInput(overrides), hashJson);
}
