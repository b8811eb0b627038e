import { formatIncident } from '../../domain/address.js';
import { earlier, instant } from '../instant.js';
import type { Ledger, RetentionKind } from '../ledger.js';
import type { AppendEntry } from './chain.js';
import { newestPruning, type Checkpoints, type Seal } from './checkpoints.js';
import type { Database, Reads, Transaction } from './database.js';
import { integer, text } from './rows.js';

const LAPSED_KEPT_MS = 30 * 86_400_000;

/** At most so many entries at a time, so that a first pruning after years holds nobody up; the next takes the rest. */
const ENTRIES_AT_ONCE = 50_000;

/** The target of a row has an incident that is open: what it may need is kept, whatever its age. */
const HAS_OPEN_INCIDENT = 'EXISTS (SELECT 1 FROM incidents AS open WHERE open.environment = kept.environment AND open.target = kept.target AND open.closed_at IS NULL)';

const HAS_INTENTS = 'EXISTS (SELECT 1 FROM intents WHERE intents.environment = ended.environment AND intents.target = ended.target AND intents.number = ended.number AND intents.closed_at IS NOT NULL)';
/** Step keys begin with the incident and a slash; `0` is the character after it. */
const HAS_STEPS = "EXISTS (SELECT 1 FROM steps WHERE steps.key >= ended.environment || '/' || ended.target || '#' || ended.number || '/' AND steps.key < ended.environment || '/' || ended.target || '#' || ended.number || '0')";

export function createRetention(database: Database, { append, checkpoints }: { readonly append: AppendEntry; readonly checkpoints: Checkpoints }): Pick<Ledger, 'prune'> {
  async function pruneReports(tx: Transaction, before: string): Promise<number> {
    return tx.run(
      `DELETE FROM reports AS kept WHERE at < :before AND NOT ${HAS_OPEN_INCIDENT}
       AND NOT EXISTS (SELECT 1 FROM targets WHERE targets.digest = kept.digest OR targets.known_digest = kept.digest)`,
      { before },
    );
  }

  /** After the entries: a plan that a kept entry speaks of stays. */
  async function prunePlans(tx: Transaction, before: string): Promise<number> {
    const through = (await newestPruning(tx))?.seq ?? 0;
    return tx.run(
      `DELETE FROM plans AS kept WHERE at < :before AND NOT ${HAS_OPEN_INCIDENT}
       AND NOT EXISTS (SELECT 1 FROM asks WHERE asks.plan = kept.hash AND asks.seq > :through)
       AND NOT EXISTS (SELECT 1 FROM intents WHERE intents.plan = kept.hash AND intents.closed_at IS NULL)`,
      { before, through },
    );
  }

  /** Step results and intents live as long as plans: they are what a late retry or an undo reads. Incidents are kept for ever, so only those that still have some are visited. */
  async function pruneSteps(tx: Transaction, before: string): Promise<void> {
    for (const row of await tx.all(`SELECT environment, target, number FROM incidents AS ended WHERE closed_at < :before AND (${HAS_INTENTS} OR ${HAS_STEPS})`, { before })) {
      const id = { environment: text(row, 'environment'), target: text(row, 'target'), number: integer(row, 'number') };
      await tx.run('DELETE FROM intents WHERE environment = :environment AND target = :target AND number = :number AND closed_at IS NOT NULL', id);
      await tx.run('DELETE FROM steps WHERE key >= :from AND key < :to', { from: `${formatIncident(id)}/`, to: `${formatIncident(id)}0` });
    }
    await tx.run('DELETE FROM fence_attempts WHERE at < :before', { before });
  }

  /** The longest prefix that is old enough and holds nothing of an open incident. */
  async function prunableThrough(reads: Reads, before: string): Promise<number> {
    const first = await reads.get('SELECT min(seq) AS seq FROM entries');
    if (typeof first?.seq !== 'number') return 0;
    const limits = [
      await reads.get('SELECT min(seq) AS seq FROM entries WHERE at >= :before', { before }),
      await reads.get('SELECT min(first_seq) AS seq FROM incidents WHERE closed_at IS NULL'),
      await reads.get('SELECT max(seq) + 1 AS seq FROM entries'),
    ].flatMap((row) => (typeof row?.seq === 'number' ? [row.seq] : []));
    return Math.min(...limits, first.seq + ENTRIES_AT_ONCE) - 1;
  }

  async function pruneEntries(tx: Transaction, { through, at, seal }: { readonly through: number; readonly at: string; readonly seal: Seal }): Promise<number> {
    const last = await tx.get('SELECT hash FROM entries WHERE seq = :through', { through });
    if (last === undefined) return 0;
    await checkpoints.signPruned(tx, { seq: through, head: text(last, 'hash'), at }, seal);
    return tx.run('DELETE FROM entries WHERE seq <= :through', { through });
  }

  /** What is no longer in force is never read again, but for an acceptance: that it lapsed is said when its change is next seen. */
  async function pruneExpired(tx: Transaction, at: string): Promise<void> {
    const long = earlier(at, LAPSED_KEPT_MS);
    await tx.run('DELETE FROM gates WHERE until <= :at', { at });
    await tx.run('DELETE FROM acceptances WHERE until <= :long', { long });
    await tx.run(`DELETE FROM settled WHERE until <= :at AND (until <= :long OR row NOT LIKE '%"outcome":"accepted"%')`, { at, long });
  }

  return {
    async prune({ at: given, keepMs }) {
      const at = instant(given);
      const before = (kind: RetentionKind): string => earlier(at, keepMs[kind]);
      const seal = await checkpoints.seal();
      const counts = await database.write(async (tx) => {
        // What goes from the chain is signed for, so without the key nothing goes.
        const through = seal === undefined ? 0 : await prunableThrough(tx, before('entries'));
        const entries = seal === undefined ? 0 : await pruneEntries(tx, { through, at, seal });
        const plans = await prunePlans(tx, before('plans'));
        const removed: Record<RetentionKind, number> = {
          entries,
          plans,
          reports: await pruneReports(tx, before('reports')),
          outbox: await tx.run('DELETE FROM outbox WHERE coalesce(delivered_at, given_up_at) < :before', { before: before('outbox') }),
          sightings: await tx.run(
            `DELETE FROM sightings WHERE last_seen < :before
             AND NOT EXISTS (SELECT 1 FROM targets WHERE targets.environment = sightings.environment AND targets.target = sightings.target AND targets.look = sightings.look)`,
            { before: before('sightings') },
          ),
        };
        await pruneSteps(tx, before('plans'));
        await pruneExpired(tx, at);
        if (Object.values(removed).every((count) => count === 0)) return removed;
        await append(tx, { at, kind: 'pruned', by: 'holdfast', data: { removed, ...(entries > 0 ? { through } : {}) } });
        if (seal !== undefined) await checkpoints.sign(tx, at, seal);
        return removed;
      }, { locks: ['record'] });
      await checkpoints.publish();
      return counts;
    },
  };
}
