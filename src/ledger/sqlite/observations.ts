import { sha256 } from '../../digest.js';
import type { TargetAddress } from '../../domain/address.js';
import type { Change, Observation } from '../../domain/change.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { Outcome } from '../../domain/phase.js';
import { instant } from '../instant.js';
import type { Ledger, ObservedInput, ObservedResult, Sighting, TargetRow } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database } from './database.js';
import { compact, integer, optionalText, text, type Row } from './rows.js';

/** More fingerprints than this make an entry long and tell nobody more: the report has them all. */
const NAMED = 100;

type Methods = Pick<Ledger, 'observed' | 'lastObservation' | 'targets' | 'report' | 'sightings'>;

interface Look extends ObservedInput {
  readonly digest: string;
  readonly reportText: string;
}

export function createObservations(database: Database, append: AppendEntry): Methods {
  function targetRow({ environment, target }: TargetAddress): Row | undefined {
    return database.get('SELECT * FROM targets WHERE environment = :environment AND target = :target', { environment, target });
  }

  function store(look: Look): ObservedResult {
    const { address, observation, digest, at } = look;
    const row = targetRow(address);
    const fingerprints = observation.changes.map((change) => change.fingerprint);
    const previous = row === undefined ? {} : { previous: targetOf(row) };
    if (row !== undefined && at < text(row, 'at')) {
      // A look that was overtaken: its report is kept, and what is known since stays.
      putReport(look);
      return { digest, ...previous, changed: false, sightings: sightings(address, fingerprints) };
    }
    if (row !== undefined && at === text(row, 'at') && digest === text(row, 'digest')) return toldAgain(row, look);

    const changed = row === undefined || text(row, 'digest') !== digest;
    if (changed) {
      putReport(look);
      // The report that was current until now was last of use at the look before.
      if (row !== undefined) database.run('UPDATE reports SET at = max(at, :at) WHERE digest = :digest', { at: text(row, 'at'), digest: text(row, 'digest') });
    }
    const sight = recordSight(row, look);
    putTarget(row, look, { changed, sight });
    if (changed) append(entryOf(look, row));
    return { digest, ...previous, changed, sightings: sightings(address, fingerprints) };
  }

  function toldAgain(row: Row, look: Look): ObservedResult {
    const before = optionalText(row, 'previous');
    return {
      digest: look.digest,
      ...(before === undefined ? {} : { previous: JSON.parse(before) as TargetRow }),
      changed: text(row, 'changed_at') === look.at,
      sightings: sightings(look.address, look.observation.changes.map((change) => change.fingerprint)),
    };
  }

  function putReport({ address, digest, reportText, at }: Look): void {
    database.run(
      `INSERT INTO reports (digest, environment, target, at, observation) VALUES (:digest, :environment, :target, :at, :observation)
       ON CONFLICT (digest) DO UPDATE SET at = max(at, excluded.at)`,
      { digest, environment: address.environment, target: address.target, at, observation: reportText },
    );
  }

  /**
   * Keeps when each fingerprint was seen. A look that equals the one before only counts: the rows
   * are brought up to date when it ends, so ten thousand unchanged changes cost nothing. A look that
   * could not tell neither counts nor ends one.
   */
  function recordSight(row: Row | undefined, { address, observation, digest, at }: Look): { readonly look: number; readonly repeats: number; readonly knownDigest?: string } {
    const look = row === undefined ? 0 : integer(row, 'look');
    const repeats = row === undefined ? 0 : integer(row, 'repeats');
    const knownDigest = row === undefined ? undefined : optionalText(row, 'known_digest');
    if (observation.verdict === 'unknown') return compact({ look, repeats, knownDigest });
    if (knownDigest === digest) return { look, repeats: repeats + 1, knownDigest: digest };
    for (const change of distinct(observation.changes)) {
      const { fingerprint, resource, path } = change;
      database.run(
        `INSERT INTO sightings (environment, target, fingerprint, resource, path, first_seen, last_seen, count, look)
         VALUES (:environment, :target, :fingerprint, :resource, :path, :at, :at, 1, :look + 1)
         ON CONFLICT (environment, target, fingerprint) DO UPDATE SET
           first_seen = CASE WHEN look = :look THEN first_seen ELSE excluded.first_seen END,
           count = CASE WHEN look = :look THEN count + :repeats + 1 ELSE 1 END,
           last_seen = excluded.last_seen,
           look = excluded.look`,
        { environment: address.environment, target: address.target, fingerprint, resource, path, at, look, repeats },
      );
    }
    if (row !== undefined) {
      const lastKnownAt = optionalText(row, 'last_known_at');
      database.run(
        'UPDATE sightings SET last_seen = coalesce(:lastKnownAt, last_seen), count = count + :repeats WHERE environment = :environment AND target = :target AND look = :look',
        { environment: address.environment, target: address.target, look, repeats, lastKnownAt },
      );
    }
    return { look: look + 1, repeats: 0, knownDigest: digest };
  }

  function putTarget(row: Row | undefined, { address, observation, digest, at, driftFingerprint }: Look, { changed, sight }: { readonly changed: boolean; readonly sight: ReturnType<typeof recordSight> }): void {
    const { verdict, reason, revision, commit } = observation;
    const sameVerdict = row !== undefined && text(row, 'verdict') === verdict;
    database.run(
      `INSERT OR REPLACE INTO targets (environment, target, verdict, reason, digest, revision, commit_id, changes, since, at, last_known_at, drift_fingerprint, changed_at, previous, known_digest, look, repeats)
       VALUES (:environment, :target, :verdict, :reason, :digest, :revision, :commit, :changes, :since, :at, :lastKnownAt, :driftFingerprint, :changedAt, :previous, :knownDigest, :look, :repeats)`,
      {
        environment: address.environment, target: address.target, verdict, reason: reason, digest, revision, commit,
        changes: observation.changes.length, since: sameVerdict ? text(row, 'since') : at, at,
        lastKnownAt: verdict === 'unknown' ? row && optionalText(row, 'last_known_at') : at,
        driftFingerprint, changedAt: changed || row === undefined ? at : text(row, 'changed_at'),
        previous: row === undefined ? undefined : storableText(targetOf(row) as unknown as Json),
        knownDigest: sight.knownDigest, look: sight.look, repeats: sight.repeats,
      },
    );
  }

  function sightings({ environment, target }: TargetAddress, fingerprints: readonly string[]): readonly Sighting[] {
    if (fingerprints.length === 0) return [];
    const values = { environment, target, fingerprints: JSON.stringify(fingerprints) };
    const incidents = groupedByFingerprint(
      database.all(
        `SELECT changes.fingerprint, changes.number, coalesce(changes.outcome, incidents.outcome) AS outcome, incidents.closed_at
         FROM incident_changes AS changes JOIN incidents USING (environment, target, number)
         WHERE environment = :environment AND target = :target AND fingerprint IN (SELECT value FROM json_each(:fingerprints)) ORDER BY number`,
        values,
      ),
    );
    const rows = database.all(
      `SELECT fingerprint, resource, path, first_seen,
         CASE WHEN sightings.look = targets.look THEN coalesce(targets.last_known_at, last_seen) ELSE last_seen END AS last_seen,
         CASE WHEN sightings.look = targets.look THEN count + targets.repeats ELSE count END AS count
       FROM sightings JOIN targets USING (environment, target)
       WHERE environment = :environment AND target = :target AND fingerprint IN (SELECT value FROM json_each(:fingerprints)) ORDER BY resource, path, fingerprint`,
      values,
    );
    return rows.map((row) => sightingOf(row, incidents.get(text(row, 'fingerprint')) ?? []));
  }

  return {
    async observed(input) {
      const reportText = storableText(reportOf(input.observation));
      const look: Look = { ...input, at: instant(input.at), digest: sha256(reportText), reportText };
      const known = targetRow(look.address);
      // What did not change is seen again at the next look, so its loss at a power cut costs nothing.
      const quiet = known !== undefined && text(known, 'digest') === look.digest;
      if (!quiet) return database.write(() => store(look));
      const result = database.write(() => (sameDigest(look) ? store(look) : undefined), { durable: false });
      return result ?? database.write(() => store(look));
    },
    async lastObservation(address) {
      const row = targetRow(address);
      return row === undefined ? undefined : targetOf(row);
    },
    async targets(environment) {
      return database.all('SELECT * FROM targets WHERE :environment IS NULL OR environment = :environment ORDER BY environment, target', { environment }).map(targetOf);
    },
    async report(digest) {
      const row = database.get('SELECT observation FROM reports WHERE digest = :digest', { digest });
      if (row === undefined) return undefined;
      const stored = text(row, 'observation');
      if (sha256(stored) !== digest) throw new HoldfastError('Invalid', `ledger: the report ${digest.slice(0, 12)} is not what was written`, { remedy: 'restore the ledger from a backup; `holdfast audit verify` checks the record' });
      return JSON.parse(stored) as Observation;
    },
    sightings: async (address, fingerprints) => sightings(address, fingerprints),
  };

  function sameDigest(look: Look): boolean {
    const row = targetRow(look.address);
    return row !== undefined && text(row, 'digest') === look.digest;
  }
}

/** Without the commit: one that does not touch the target makes no new report. The target's row has it. */
function reportOf({ commit: _, ...report }: Observation): Json {
  return report as unknown as Json;
}

function entryOf({ address, observation, digest, at, driftFingerprint }: Look, row: Row | undefined): Parameters<AppendEntry>[0] {
  const { verdict, reason, revision, commit, changes } = observation;
  const data: JsonObject = {
    verdict, reason, digest, revision, commit, driftFingerprint,
    before: row === undefined ? undefined : text(row, 'verdict'),
    changes: verdict === 'drifted' ? changes.length : undefined,
    named: verdict === 'drifted' ? changes.slice(0, NAMED).map(({ fingerprint, resource, path, kind, by }) => ({ fingerprint, resource, path, kind, by })) : undefined,
  };
  return { at, kind: verdict === 'drifted' ? 'drift' : verdict, environment: address.environment, target: address.target, by: 'holdfast', data };
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

function targetOf(row: Row): TargetRow {
  return compact({
    environment: text(row, 'environment'),
    target: text(row, 'target'),
    verdict: text(row, 'verdict') as TargetRow['verdict'],
    reason: optionalText(row, 'reason'),
    digest: text(row, 'digest'),
    revision: text(row, 'revision'),
    commit: optionalText(row, 'commit_id'),
    changes: integer(row, 'changes'),
    since: text(row, 'since'),
    at: text(row, 'at'),
    lastKnownAt: optionalText(row, 'last_known_at'),
    driftFingerprint: optionalText(row, 'drift_fingerprint'),
  });
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
