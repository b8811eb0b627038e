import { formatIncident } from '../../domain/address.js';
import { earlier, instant } from '../instant.js';
import type { Ledger, RetentionKind } from '../ledger.js';
import type { AppendEntry } from './chain.js';
import type { Checkpoints } from './checkpoints.js';
import type { Database } from './database.js';
import { integer, text } from './rows.js';

/** At most so many entries at a time, so that a first pruning after years holds nobody up; the next takes the rest. */
const ENTRIES_AT_ONCE = 50_000;

/** The target of a row has an incident that is open: what it may need is kept, whatever its age. */
const HAS_OPEN_INCIDENT = 'EXISTS (SELECT 1 FROM incidents AS open WHERE open.environment = kept.environment AND open.target = kept.target AND open.closed_at IS NULL)';

export function createRetention(database: Database, { append, checkpoints }: { readonly append: AppendEntry; readonly checkpoints: Checkpoints }): Pick<Ledger, 'prune'> {
  function pruneReports(before: string): number {
    return database.run(
      `DELETE FROM reports AS kept WHERE at < :before AND NOT ${HAS_OPEN_INCIDENT}
       AND NOT EXISTS (SELECT 1 FROM targets WHERE targets.digest = kept.digest OR targets.known_digest = kept.digest)`,
      { before },
    );
  }

  /** After the entries: a plan that a kept entry speaks of stays. */
  function prunePlans(before: string): number {
    const through = checkpoints.pruned()?.seq ?? 0;
    return database.run(
      `DELETE FROM plans AS kept WHERE at < :before AND NOT ${HAS_OPEN_INCIDENT}
       AND NOT EXISTS (SELECT 1 FROM asks WHERE asks.plan = kept.hash AND asks.seq > :through)
       AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.plan = kept.hash AND intents.closed_at IS NULL)`,
      { before, through },
    );
  }

  /** Step results and intents live as long as plans: they are what a late retry or an undo reads. */
  function pruneSteps(before: string): void {
    for (const row of database.all('SELECT environment, target, number FROM incidents WHERE closed_at < :before', { before })) {
      const id = { environment: text(row, 'environment'), target: text(row, 'target'), number: integer(row, 'number') };
      database.run('DELETE FROM intents WHERE environment = :environment AND target = :target AND number = :number AND closed_at IS NOT NULL', id);
      // Step keys begin with the incident and a slash; `0` is the character after it.
      database.run('DELETE FROM steps WHERE key >= :from AND key < :to', { from: `${formatIncident(id)}/`, to: `${formatIncident(id)}0` });
    }
    database.run('DELETE FROM fence_attempts WHERE at < :before', { before });
  }

  /** The longest prefix that is old enough and holds nothing of an open incident. */
  function prunableThrough(before: string): number {
    const first = database.get('SELECT min(seq) AS seq FROM entries');
    if (typeof first?.seq !== 'number') return 0;
    const limits = [
      database.get('SELECT min(seq) AS seq FROM entries WHERE at >= :before', { before }),
      database.get('SELECT min(first_seq) AS seq FROM incidents WHERE closed_at IS NULL'),
      database.get('SELECT max(seq) + 1 AS seq FROM entries'),
    ].flatMap((row) => (typeof row?.seq === 'number' ? [row.seq] : []));
    return Math.min(...limits, first.seq + ENTRIES_AT_ONCE) - 1;
  }

  function pruneEntries(through: number, at: string, seal: ReturnType<Checkpoints['seal']>): number {
    const last = database.get('SELECT hash FROM entries WHERE seq = :through', { through });
    if (last === undefined) return 0;
    checkpoints.signPruned({ seq: through, head: text(last, 'hash'), at }, seal);
    return database.run('DELETE FROM entries WHERE seq <= :through', { through });
  }

  /** What is no longer in force is never read again; the record says what it was. */
  function pruneExpired(at: string): void {
    for (const table of ['settled', 'gates', 'acceptances']) database.run(`DELETE FROM ${table} WHERE until <= :at`, { at });
  }

  return {
    async prune({ at: given, keepMs }) {
      const at = instant(given);
      const before = (kind: RetentionKind): string => earlier(at, keepMs[kind]);
      const seal = checkpoints.seal();
      const counts = database.write(() => {
        const through = prunableThrough(before('entries'));
        const entries = pruneEntries(through, at, seal);
        const plans = prunePlans(before('plans'));
        const removed: Record<RetentionKind, number> = {
          entries,
          plans,
          reports: pruneReports(before('reports')),
          outbox: database.run('DELETE FROM outbox WHERE coalesce(delivered_at, given_up_at) < :before', { before: before('outbox') }),
          sightings: database.run(
            `DELETE FROM sightings WHERE last_seen < :before
             AND NOT EXISTS (SELECT 1 FROM targets WHERE targets.environment = sightings.environment AND targets.target = sightings.target AND targets.look = sightings.look)`,
            { before: before('sightings') },
          ),
        };
        pruneSteps(before('plans'));
        pruneExpired(at);
        if (Object.values(removed).every((count) => count === 0)) return removed;
        append({ at, kind: 'pruned', by: 'holdfast', data: { removed, ...(entries > 0 ? { through } : {}) } });
        checkpoints.sign(at, seal);
        return removed;
      });
      checkpoints.publish();
      return counts;
    },
  };
}
