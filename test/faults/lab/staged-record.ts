import type { Ledger } from '../../../src/ledger/ledger.js';
import { LIVE, pathNamed } from './paths.js';
import { environmentOf, type Case } from './plan-of-group.js';

const PIPELINE = 'pipeline';

/** What stands in the record before the first look, as its paths want it; a worker process that comes later finds it there. */
export async function prepareRecord(ledger: Ledger, cases: readonly Case[]): Promise<void> {
  for (const each of cases) {
    const { halfOpenMs, lapsed } = pathNamed(each.path);
    const environment = environmentOf(each);
    const now = Date.now();
    if (halfOpenMs !== undefined && !(await wasClosed(ledger, { environment }))) {
      const closed = { scope: environment, gate: 'breaker', by: 'holdfast', reason: 'a repair failed before', at: new Date(now).toISOString(), halfOpenAt: new Date(now + halfOpenMs).toISOString() } as const;
      await ledger.closeGate(closed);
    }
    // Over long ago, so that it is the same one whoever writes it.
    if (lapsed === true) await ledger.accept({ environment, target: each.target, resource: Object.keys(LIVE)[0] ?? '', by: 'alice', reason: 'a planned change', at: '2000-01-01T00:00:00.000Z', until: '2000-01-02T00:00:00.000Z' });
  }
}

/** Somebody's pipeline begins just now, or somebody freezes it; once, however often health is measured. */
export async function closeOnce(ledger: Ledger, each: Case): Promise<void> {
  const { closes } = pathNamed(each.path);
  const address = { environment: environmentOf(each), target: each.target };
  if (closes === undefined || (await wasClosed(ledger, address, PIPELINE))) return;
  const now = Date.now();
  await ledger.closeGate({ scope: `${address.environment}/${address.target}`, gate: closes.gate, by: PIPELINE, reason: 'a release goes out', at: new Date(now).toISOString(), until: new Date(now + closes.forMs).toISOString() });
}

async function wasClosed(ledger: Ledger, address: { readonly environment: string; readonly target?: string }, by?: string): Promise<boolean> {
  for await (const entry of ledger.entries({ ...address, kinds: ['gate'] })) if (by === undefined || entry.by === by) return true;
  return false;
}
