import type { TargetAddress } from '../../domain/address.js';
import type { Change } from '../../domain/change.js';
import type { Outcome } from '../../domain/phase.js';
import type { ObservedInput, Sighting } from '../ledger.js';
import type { Reads, Transaction } from './database.js';
import { compact, integer, optionalText, runMany, text, type Row } from './rows.js';

/** Which look a target is at, and how often it was seen again. */
export interface Sight {
  readonly look: number;
  readonly repeats: number;
  readonly knownDigest?: string;
}

/** A look that says what the one before said, or one that could not tell: it counts, or not even that. */
export function repeated(row: Row | undefined, { observation }: Pick<ObservedInput, 'observation'>): Sight {
  const look = row === undefined ? 0 : integer(row, 'look');
  const repeats = row === undefined ? 0 : integer(row, 'repeats');
  const knownDigest = row === undefined ? undefined : optionalText(row, 'known_digest');
  return compact({ look, repeats: observation.verdict === 'unknown' ? repeats : repeats + 1, knownDigest });
}

/**
 * Keeps when each fingerprint was seen. A look that equals the one before only counts: the rows
 * are brought up to date when it ends, so ten thousand unchanged changes cost nothing. A look that
 * could not tell neither counts nor ends one. `row` is the target's, as it was before this look.
 */
export async function recordSight(tx: Transaction, row: Row | undefined, seen: ObservedInput & { readonly digest: string }): Promise<Sight> {
  const { address, observation, digest, at } = seen;
  const { environment, target } = address;
  const look = row === undefined ? 0 : integer(row, 'look');
  const repeats = row === undefined ? 0 : integer(row, 'repeats');
  if (observation.verdict === 'unknown' || (row !== undefined && optionalText(row, 'known_digest') === digest)) return repeated(row, seen);
  await runMany(tx, {
    statement: (rows) => `INSERT INTO sightings (environment, target, fingerprint, resource, path, first_seen, last_seen, count, look) VALUES ${rows}
      ON CONFLICT (environment, target, fingerprint) DO UPDATE SET
        first_seen = CASE WHEN sightings.look = :look THEN sightings.first_seen ELSE excluded.first_seen END,
        count = CASE WHEN sightings.look = :look THEN sightings.count + :seen ELSE 1 END,
        last_seen = excluded.last_seen,
        look = excluded.look`,
    row: '(:environment, :target, :fingerprint?, :resource?, :path?, :at, :at, 1, :next)',
    each: distinct(observation.changes).map(({ fingerprint, resource, path }) => ({ fingerprint, resource, path })),
    values: { environment, target, at, look, seen: repeats + 1, next: look + 1 },
  });
  if (row !== undefined) {
    await tx.run(
      'UPDATE sightings SET last_seen = coalesce(:lastKnownAt, last_seen), count = count + :repeats WHERE environment = :environment AND target = :target AND look = :look',
      { environment, target, look, repeats, lastKnownAt: optionalText(row, 'last_known_at') },
    );
  }
  return { look: look + 1, repeats: 0, knownDigest: digest };
}

export async function sightingsOf(reads: Reads, { environment, target }: TargetAddress, fingerprints: readonly string[]): Promise<readonly Sighting[]> {
  if (fingerprints.length === 0) return [];
  const values = { environment, target, fingerprints };
  const incidents = groupedByFingerprint(
    await reads.all(
      `SELECT changes.fingerprint, changes.number, coalesce(changes.outcome, incidents.outcome) AS outcome, incidents.closed_at
       FROM incident_changes AS changes JOIN incidents USING (environment, target, number)
       WHERE environment = :environment AND target = :target AND fingerprint = ANY (:fingerprints) ORDER BY number`,
      values,
    ),
  );
  const rows = await reads.all(
    `SELECT fingerprint, resource, path, first_seen,
       CASE WHEN sightings.look = targets.look THEN coalesce(targets.last_known_at, last_seen) ELSE last_seen END AS last_seen,
       CASE WHEN sightings.look = targets.look THEN sightings.count + targets.repeats ELSE sightings.count END AS count
     FROM sightings JOIN targets USING (environment, target)
     WHERE environment = :environment AND target = :target AND fingerprint = ANY (:fingerprints) ORDER BY resource, path, fingerprint`,
    values,
  );
  return rows.map((row) => sightingOf(row, incidents.get(text(row, 'fingerprint')) ?? []));
}

function groupedByFingerprint(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const fingerprint = text(row, 'fingerprint');
    const group = groups.get(fingerprint);
    if (group === undefined) groups.set(fingerprint, [row]);
    else group.push(row);
  }
  return groups;
}

function distinct(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.map((change) => [change.fingerprint, change])).values()];
}

function sightingOf(row: Row, incidents: readonly Row[]): Sighting {
  return {
    fingerprint: text(row, 'fingerprint'),
    resource: text(row, 'resource'),
    path: text(row, 'path'),
    firstSeen: text(row, 'first_seen'),
    lastSeen: text(row, 'last_seen'),
    count: integer(row, 'count'),
    incidents: incidents.map((incident) => compact({
      number: integer(incident, 'number'),
      outcome: optionalText(incident, 'outcome') as Outcome | undefined,
      closedAt: optionalText(incident, 'closed_at'),
    })),
  };
}
