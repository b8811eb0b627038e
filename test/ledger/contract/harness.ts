import { hashJson } from '../../../src/digest.js';
import { fingerprintOf, type Change, type Observation } from '../../../src/domain/change.js';
import { makePlan, type Plan } from '../../../src/domain/plan.js';
import type { Ledger } from '../../../src/ledger/ledger.js';

/** What a store brings for the contract: a fresh, empty ledger, and another connection to the same one. */
export interface LedgerHarness {
  readonly ledger: Ledger;
  /** As another process would open it. Closed by the harness. */
  readonly another: () => Promise<Ledger>;
  dispose(): Promise<void>;
}

export type OpenHarness = () => Promise<LedgerHarness>;

export const SHOP = { environment: 'prod', target: 'storefront' } as const;
export const OTHER = { environment: 'prod', target: 'search' } as const;

/** Minute by minute from a fixed start. */
export function minute(count: number): string {
  return new Date(Date.UTC(2026, 10, 2, 9, count)).toISOString();
}

export function change(resource: string, actual = 'by hand', address: { environment: string; target: string } = SHOP): Change {
  const difference = { resource, kind: 'changed' as const, path: '/port', desired: 'as released', actual, sensitive: false, revision: `revision of ${resource}`, effect: 'update' as const };
  return { ...difference, fingerprint: fingerprintOf(address, difference, hashJson) };
}

export function drifted(...changes: readonly Change[]): Observation {
  return { verdict: 'drifted', revision: 'r1', identity: { host: 'shop-prod' }, changes, resources: 12, skipped: [] };
}

export const CLEAN: Observation = { verdict: 'clean', revision: 'r1', identity: { host: 'shop-prod' }, changes: [], resources: 12, skipped: [] };
export const BLIND: Observation = { verdict: 'unknown', reason: 'the host does not answer', revision: '', identity: {}, changes: [], resources: 0, skipped: [] };

export function plan(...changes: readonly Change[]): Plan {
  return makePlan(
    {
      ...SHOP, provider: 'files', spec: { root: '/srv/shop' }, changes,
      steps: changes.map((each) => ({ action: 'update' as const, resource: each.resource, summary: `write ${each.resource}` })),
      blastRadius: { create: 0, update: changes.length, replace: 0, delete: 0 },
      staging: 'shadow', rollback: 'exact', fencing: 'conditional',
    },
    hashJson,
  );
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
