import { sha256 } from '../../digest.js';
import type { TargetAddress } from '../../domain/address.js';
import type { Observation } from '../../domain/change.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { instant } from '../instant.js';
import type { Ledger, NewEntry, ObservedInput, ObservedResult, TargetRow } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import { lockOf, type Database, type Reads, type Transaction } from './database.js';
import { compact, integer, optionalText, text, type Row } from './rows.js';
import { recordSight, repeated, sightingsOf, type Sight } from './sightings.js';

/** More fingerprints than this make an entry long and tell nobody more: the report has them all. */
const NAMED = 100;

type Methods = Pick<Ledger, 'observed' | 'lastObservation' | 'targets' | 'report' | 'sightings'>;

interface Look extends ObservedInput {
  readonly digest: string;
  readonly reportText: string;
}

export function createObservations(database: Database, append: AppendEntry): Methods {
  async function store(tx: Transaction, look: Look, row: Row | undefined): Promise<ObservedResult> {
    const { address, observation, digest, at } = look;
    const fingerprints = observation.changes.map((change) => change.fingerprint);
    const previous = row === undefined ? {} : { previous: targetOf(row) };
    if (row !== undefined && at < text(row, 'at')) {
      // A look that was overtaken: its report is kept, and what is known since stays.
      await putReport(tx, look);
      return { digest, ...previous, changed: false, sightings: await sightingsOf(tx, address, fingerprints) };
    }
    if (row !== undefined && at === text(row, 'at') && digest === text(row, 'digest')) return toldAgain(tx, row, look);

    const changed = row === undefined || text(row, 'digest') !== digest;
    if (changed) {
      await putReport(tx, look);
      // The report that was current until now was last of use at the look before.
      if (row !== undefined) await tx.run('UPDATE reports SET at = :at WHERE digest = :digest AND at < :at', { at: text(row, 'at'), digest: text(row, 'digest') });
    }
    const sight = await recordSight(tx, row, look);
    await tx.run(PUT_TARGET, targetValues(row, look, { changed, sight }));
    if (changed) await append(tx, entryOf(look, row));
    return { digest, ...previous, changed, sightings: await sightingsOf(tx, address, fingerprints) };
  }

  /** The same as at the look before, which is most of all looks: one update, unless another look came between. */
  async function again(row: Row, look: Look): Promise<ObservedResult | undefined> {
    const { address, digest, at, observation } = look;
    const before = text(row, 'at');
    if (text(row, 'digest') !== digest || at <= before) return undefined;
    const values = targetValues(row, look, { changed: false, sight: repeated(row, look) });
    if ((await database.touch(TOUCH_TARGET, { ...values, before })) === 0) return undefined;
    return { digest, previous: targetOf(row), changed: false, sightings: await sightingsOf(database, address, observation.changes.map((change) => change.fingerprint)) };
  }

  return {
    async observed(input) {
      const reportText = storableText(reportOf(input.observation));
      const look: Look = { ...input, at: instant(input.at), digest: sha256(reportText), reportText };
      const known = await targetRow(database, look.address);
      return (known !== undefined && (await again(known, look))) || database.write(async (tx) => store(tx, look, await targetRow(tx, look.address)), { locks: ['record', lockOf(look.address)] });
    },
    async lastObservation(address) {
      const row = await targetRow(database, address);
      return row === undefined ? undefined : targetOf(row);
    },
    async targets(environment) {
      const where = environment === undefined ? '' : ' WHERE environment = :environment';
      return (await database.all(`SELECT * FROM targets${where} ORDER BY environment, target`, compact({ environment }))).map(targetOf);
    },
    async report(digest) {
      const row = await database.get('SELECT observation FROM reports WHERE digest = :digest', { digest });
      if (row === undefined) return undefined;
      const stored = text(row, 'observation');
      if (sha256(stored) !== digest) throw new HoldfastError('Invalid', `ledger: the report ${digest.slice(0, 12)} is not what was written`, { remedy: 'restore the ledger from a backup; `holdfast audit verify` checks the record' });
      return JSON.parse(stored) as Observation;
    },
    sightings: (address, fingerprints) => sightingsOf(database, address, fingerprints),
  };
}

async function targetRow(reads: Reads, { environment, target }: TargetAddress): Promise<Row | undefined> {
  return reads.get('SELECT * FROM targets WHERE environment = :environment AND target = :target', { environment, target });
}

async function toldAgain(tx: Transaction, row: Row, look: Look): Promise<ObservedResult> {
  const before = optionalText(row, 'previous');
  return {
    digest: look.digest,
    ...(before === undefined ? {} : { previous: JSON.parse(before) as TargetRow }),
    changed: text(row, 'changed_at') === look.at,
    sightings: await sightingsOf(tx, look.address, look.observation.changes.map((change) => change.fingerprint)),
  };
}

async function putReport(tx: Transaction, { address, digest, reportText, at }: Look): Promise<void> {
  await tx.run(
    `INSERT INTO reports (digest, environment, target, at, observation) VALUES (:digest, :environment, :target, :at, :observation)
     ON CONFLICT (digest) DO UPDATE SET at = excluded.at WHERE reports.at < excluded.at`,
    { digest, environment: address.environment, target: address.target, at, observation: reportText },
  );
}

const TARGET_COLUMNS = ['verdict', 'reason', 'digest', 'revision', 'commit_id', 'changes', 'since', 'at', 'last_known_at', 'drift_fingerprint', 'changed_at', 'previous', 'known_digest', 'look', 'repeats', 'first_known_at'] as const;
const PUT_TARGET = `INSERT INTO targets (environment, target, ${TARGET_COLUMNS.join(', ')}) VALUES (:environment, :target, ${TARGET_COLUMNS.map((column) => `:${column}`).join(', ')})
  ON CONFLICT (environment, target) DO UPDATE SET ${TARGET_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ')}`;

/** Only on the row that was looked at: any look that came between has moved `at`. */
const TOUCH_TARGET = `UPDATE targets SET ${TARGET_COLUMNS.map((column) => `${column} = :${column}`).join(', ')} WHERE environment = :environment AND target = :target AND digest = :digest AND at = :before`;

type TargetValues = Record<(typeof TARGET_COLUMNS)[number] | 'environment' | 'target', string | number | undefined>;

function targetValues(row: Row | undefined, { address, observation, digest, at, driftFingerprint }: Look, { changed, sight }: { readonly changed: boolean; readonly sight: Sight }): TargetValues {
  const { verdict, reason, revision, commit } = observation;
  const sameVerdict = row !== undefined && text(row, 'verdict') === verdict;
  return {
    environment: address.environment, target: address.target, verdict, reason, digest, revision, commit_id: commit,
    changes: observation.changes.length, since: sameVerdict ? text(row, 'since') : at, at,
    last_known_at: verdict === 'unknown' ? row && optionalText(row, 'last_known_at') : at,
    drift_fingerprint: driftFingerprint, changed_at: changed || row === undefined ? at : text(row, 'changed_at'),
    previous: row === undefined ? undefined : storableText(targetOf(row) as unknown as Json),
    first_known_at: firstKnown(row, { verdict, at }), known_digest: sight.knownDigest, look: sight.look, repeats: sight.repeats,
  };
}

/** One that an older version looked at first keeps none: nobody wrote down what stood there then. */
function firstKnown(row: Row | undefined, { verdict, at }: { readonly verdict: Observation['verdict']; readonly at: string }): string | undefined {
  if (row !== undefined && optionalText(row, 'last_known_at') !== undefined) return optionalText(row, 'first_known_at');
  return verdict === 'unknown' ? undefined : at;
}

/** Without the commit: one that does not touch the target makes no new report. The target's row has it. */
function reportOf({ commit: _, ...report }: Observation): Json {
  return report as unknown as Json;
}

function entryOf({ address, observation, digest, at, driftFingerprint }: Look, row: Row | undefined): NewEntry {
  const { verdict, reason, revision, commit, changes } = observation;
  const data: JsonObject = {
    verdict, reason, digest, revision, commit, driftFingerprint,
    before: row === undefined ? undefined : text(row, 'verdict'),
    changes: verdict === 'drifted' ? changes.length : undefined,
    named: verdict === 'drifted' ? changes.slice(0, NAMED).map(({ fingerprint, resource, path, kind, by }) => ({ fingerprint, resource, path, kind, by })) : undefined,
  };
  return { at, kind: verdict === 'drifted' ? 'drift' : verdict, environment: address.environment, target: address.target, by: 'holdfast', data };
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
    firstKnownAt: optionalText(row, 'first_known_at'),
    driftFingerprint: optionalText(row, 'drift_fingerprint'),
  });
}
