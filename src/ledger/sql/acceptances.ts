import { instant } from '../instant.js';
import type { Acceptance, AcceptanceFilter, Ledger, Settled } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database, Reads } from './database.js';
import { compact, json } from './rows.js';

/** Of an incident that was accepted before a date was always kept. */
const FOR_GOOD = '9999-12-31T23:59:59.000Z';
/** How a settled row of an accepted change is written; within a text its quotes would be escaped. */
const SETTLED_SO = '%"outcome":"accepted"%';

/** Acceptances are announced, and then have rows of their own, or come of an incident, and then are how its changes were settled. */
export function createAcceptances(database: Database, append: AppendEntry): Pick<Ledger, 'accept' | 'acceptances' | 'endAcceptances'> {
  async function find(reads: Reads, { environment, target }: AcceptanceFilter): Promise<readonly Acceptance[]> {
    const within = [...(environment === undefined ? [] : ['environment = :environment']), ...(target === undefined ? [] : ['target = :target'])];
    // One query, since every check asks for each target that drifts.
    const rows = await reads.all(
      `SELECT row, 0 AS settled, environment, target, change AS one, '' AS two FROM acceptances${within.length === 0 ? '' : ` WHERE ${within.join(' AND ')}`}
       UNION ALL SELECT row, 1 AS settled, environment, target, fingerprint AS one, revision AS two FROM settled WHERE ${[...within, 'row LIKE :so'].join(' AND ')}
       ORDER BY settled, environment, target, one, two`,
      compact({ environment, target, so: SETTLED_SO }),
    );
    return rows.flatMap((row) => (Number(row['settled']) === 0 ? [json<Acceptance>(row, 'row')] : acceptanceOf(json<Settled>(row, 'row'))));
  }

  return {
    async accept(given) {
      const acceptance = compact({ ...given, at: instant(given.at), until: instant(given.until) });
      const { environment, target, resource, path, fingerprint, until, by, at, ticket } = acceptance;
      const key = keyOf(acceptance);
      const stored = storableText(acceptance);
      await database.write(async (tx) => {
        const row = await tx.get('SELECT row FROM acceptances WHERE environment = :environment AND target = :target AND change = :change', key);
        if (row?.['row'] === stored) return;
        await tx.run(
          'INSERT INTO acceptances (environment, target, change, until, row) VALUES (:environment, :target, :change, :until, :stored) ON CONFLICT (environment, target, change) DO UPDATE SET until = excluded.until, row = excluded.row',
          { ...key, until, stored },
        );
        await append(tx, { at, kind: 'accepted', environment, target, by, data: { resource, path, fingerprint, until, reason: acceptance.reason, ticket } });
      }, { locks: ['record'] });
    },

    async acceptances(filter, at) {
      const all = await find(database, filter);
      const now = at === undefined ? undefined : instant(at);
      return now === undefined ? all : all.filter((each) => each.until > now);
    },

    async endAcceptances({ environment, target }, { resource, path, incident }, { at, by, reason }) {
      return database.write(async (tx) => {
        const all = await find(tx, { environment, target });
        const ended = all.filter((each) => (resource === undefined || each.resource === resource) && (path === undefined || each.path === path) && (incident === undefined || each.incident === incident));
        for (const each of ended) {
          if (each.incident === undefined) await tx.run('DELETE FROM acceptances WHERE environment = :environment AND target = :target AND change = :change', keyOf(each));
          else await tx.run('DELETE FROM settled WHERE environment = :environment AND target = :target AND fingerprint = :fingerprint AND row LIKE :so', { environment, target, fingerprint: each.fingerprint ?? '', so: SETTLED_SO });
        }
        const what = ended.map(({ resource: of, path: field, fingerprint, until, incident: from }) => compact({ resource: of, path: field, fingerprint, until, incident: from }));
        if (what.length > 0) await append(tx, { at: instant(at), kind: 'accepted', environment, target, incident, by, data: { event: 'ended', resource, path, reason, ended: what } });
        return ended;
      }, { locks: ['record'] });
    },
  };
}

/** Of how a change was settled, where it was accepted. */
function acceptanceOf({ environment, target, resource, path, fingerprint, outcome, until = FOR_GOOD, by = 'somebody', reason = '', ticket, at, incident }: Settled): readonly Acceptance[] {
  return outcome === 'accepted' ? [compact({ environment, target, resource, path, fingerprint, until, by, reason, ticket, at, incident })] : [];
}

function keyOf({ environment, target, resource, path, fingerprint }: Acceptance): { readonly environment: string; readonly target: string; readonly change: string } {
  return { environment, target, change: storableText([resource, path ?? null, fingerprint ?? null]) };
}
