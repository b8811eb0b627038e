import type { HoldfastClient } from '../../../src/client.js';
import type { IncidentRow, Ledger } from '../../../src/ledger/ledger.js';
import { environmentOf, type Case } from './plan-of-group.js';

/** One reader of the record for the drivers of many cases. */
export interface Watch {
  /** The newest incident of a case as it was a moment ago. */
  latest(each: Case): IncidentRow | undefined;
  fresh(each: Case): Promise<IncidentRow | undefined>;
  /** One check of a whole environment for all who ask before it begins. */
  checkAll(environment: string): Promise<void>;
  /** Whether a rollback that failed has stopped what is automatic there, until a person releases it. */
  isBroken(environment: string): Promise<boolean>;
  close(): void;
}

const EVERY_MS = 300;

export function openWatch(ledger: Ledger, client: HoldfastClient): Watch {
  let rows: ReadonlyMap<string, IncidentRow> = new Map();
  let reading = false;
  const checks = new Map<string, Promise<void>>();
  const timer = setInterval(() => { void read(); }, EVERY_MS);

  async function read(): Promise<void> {
    if (reading) return;
    reading = true;
    const all = await ledger.incidents({ limit: 1_000_000 }).catch(() => undefined);
    reading = false;
    // Newest first: the first of each target stays.
    if (all !== undefined) rows = new Map(all.map((row) => [`${row.environment}/${row.target}`, row] as const).reverse());
  }

  return {
    latest: (each) => rows.get(`${environmentOf(each)}/${each.target}`),
    fresh: (each) => ledger.incident({ environment: environmentOf(each), target: each.target }),
    checkAll: (environment) => {
      const known = checks.get(environment);
      if (known !== undefined) return known;
      const check = new Promise((resolve) => setTimeout(resolve, 100))
        .then(() => client.startCheck(environment))
        .then((started) => client.waitForCheck(started))
        .then(() => undefined, () => undefined)
        .finally(() => checks.delete(environment));
      checks.set(environment, check);
      return check;
    },
    isBroken: async (environment) => (await ledger.allClosedGates(new Date().toISOString())).some((row) => row.gate === 'breaker' && row.halfOpenAt === undefined && row.scope === environment),
    close: () => { clearInterval(timer); },
  };
}
