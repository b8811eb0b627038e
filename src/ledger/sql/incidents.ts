import { formatIncident, type IncidentId, type TargetAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import { foremostPhase, TRANSITIONS, type Outcome, type Phase } from '../../domain/phase.js';
import { instant, optionalInstant } from '../instant.js';
import type { IncidentEnd, IncidentKind, IncidentRow, IncidentUpdate, Ledger } from '../ledger.js';
import { storableText } from '../storable.js';
import { headOf, type AppendEntry } from './chain.js';
import { lockOf, type Database, type Reads, type Transaction } from './database.js';
import { compact, integer, json, runMany, optionalInteger, optionalText, text, type Row } from './rows.js';
import type { SettleRow } from './settled.js';

type Methods = Pick<Ledger, 'openIncident' | 'updateIncident' | 'closeIncident' | 'incident' | 'incidents'>;

const BY_ID = 'environment = :environment AND target = :target AND number = :number';

export function createIncidents(database: Database, { append, settleRow }: { readonly append: AppendEntry; readonly settleRow: SettleRow }): Methods {
  async function openRow(reads: Reads, { environment, target }: TargetAddress): Promise<Row | undefined> {
    return reads.get('SELECT * FROM incidents WHERE environment = :environment AND target = :target AND closed_at IS NULL', { environment, target });
  }

  async function rowOf(reads: Reads, { environment, target, number }: IncidentId): Promise<Row> {
    const row = await reads.get(`SELECT * FROM incidents WHERE ${BY_ID}`, { environment, target, number });
    if (row === undefined) throw new HoldfastError('Invalid', `ledger: there is no incident ${formatIncident({ environment, target, number })}`, { remedy: '`holdfast incidents` lists them' });
    return row;
  }

  /** Remembers which changes an incident has contained, for recurrence. Parts name them in `fingerprints`. */
  async function noteChanges(tx: Transaction, { environment, target, number }: IncidentId, parts: readonly JsonObject[]): Promise<void> {
    const outcomes = new Map<string, string | undefined>();
    for (const part of parts) {
      const outcome = typeof part['outcome'] === 'string' ? part['outcome'] : undefined;
      const fingerprints = Array.isArray(part['fingerprints']) ? part['fingerprints'] : [];
      for (const fingerprint of fingerprints) {
        if (typeof fingerprint === 'string') outcomes.set(fingerprint, outcome ?? outcomes.get(fingerprint));
      }
    }
    await runMany(tx, {
      statement: (rows) => `INSERT INTO incident_changes (environment, target, number, fingerprint, outcome) VALUES ${rows}
        ON CONFLICT (environment, target, fingerprint, number) DO UPDATE SET outcome = coalesce(excluded.outcome, incident_changes.outcome)`,
      row: '(:environment, :target, :number, :fingerprint?, :outcome?)',
      each: [...outcomes].map(([fingerprint, outcome]) => ({ fingerprint, outcome })),
      values: { environment, target, number },
    });
  }

  return {
    async openIncident({ address, at: given, drift, kind, undoes, after = 0 }) {
      const at = instant(given);
      const { environment, target } = address;
      return database.write(async (tx) => {
        const open = await openRow(tx, address);
        if (open !== undefined) {
          const row = incidentOf(open);
          return { row, opened: row.openedAt === at && row.drift === drift && row.kind === kind };
        }
        const last = await tx.get('SELECT max(number) AS number FROM incidents WHERE environment = :environment AND target = :target', { environment, target });
        const number = Math.max(typeof last?.['number'] === 'number' ? last['number'] : 0, after) + 1;
        await tx.run(
          `INSERT INTO incidents (environment, target, number, kind, drift, phase, opened_at, undoes, parts, first_seq)
           VALUES (:environment, :target, :number, :kind, :drift, 'deciding', :at, :undoes, '[]', :firstSeq)`,
          { environment, target, number, kind, drift, at, undoes, firstSeq: (await headOf(tx)).seq + 1 },
        );
        await append(tx, { at, kind: 'opened', environment, target, incident: number, by: 'holdfast', data: { kind, drift, undoes } });
        return { row: incidentOf(await rowOf(tx, { environment, target, number })), opened: true };
      }, { locks: ['record', lockOf(address)] });
    },

    async updateIncident(id, update) {
      await database.write(async (tx) => {
        const row = incidentOf(await rowOf(tx, id));
        // The end was recorded; a straggler of the same incident changes nothing any more.
        if (row.closedAt !== undefined) return;
        const { environment, target, number } = id;
        const { part, ...whole } = update;
        const next = { ...row, ...compact<IncidentUpdate>(whole), ...(part === undefined ? {} : withPart(whole.parts ?? row.parts, part)) };
        await tx.run(`UPDATE incidents SET drift = :drift, run_id = :runId, phase = :phase, risk = :risk, parts = :parts WHERE ${BY_ID}`, {
          environment, target, number, drift: next.drift, runId: next.runId, phase: next.phase, risk: next.risk, parts: storableText(next.parts),
        });
        if (update.parts !== undefined || part !== undefined) await noteChanges(tx, id, next.parts);
      }, { locks: [lockOf(id)] });
    },

    async closeIncident(id, end) {
      await database.write(async (tx) => {
        if (incidentOf(await rowOf(tx, id)).closedAt !== undefined) return;
        await close(tx, id, end);
      }, { locks: ['record', lockOf(id)] });
    },

    async incident({ environment, target }, number) {
      const row = number === undefined
        ? await database.get('SELECT * FROM incidents WHERE environment = :environment AND target = :target ORDER BY number DESC LIMIT 1', { environment, target })
        : await database.get(`SELECT * FROM incidents WHERE ${BY_ID}`, { environment, target, number });
      return row === undefined ? undefined : incidentOf(row);
    },

    async incidents(filter) {
      const conditions = ['TRUE'];
      if (filter.environment !== undefined) conditions.push('environment = :environment');
      if (filter.target !== undefined) conditions.push('target = :target');
      if (filter.outcome !== undefined) conditions.push('outcome = :outcome');
      if (filter.open !== undefined) conditions.push(filter.open ? 'closed_at IS NULL' : 'closed_at IS NOT NULL');
      // What was under way since then, not only what began since then.
      if (filter.since !== undefined) conditions.push('(closed_at IS NULL OR closed_at >= :since)');
      const { environment, target, outcome } = filter;
      const bound = filter.limit === undefined ? '' : ' LIMIT :limit';
      const rows = await database.all(
        `SELECT * FROM incidents WHERE ${conditions.join(' AND ')} ORDER BY opened_at DESC, number DESC, environment, target${bound}`,
        compact({ environment, target, outcome, since: optionalInstant(filter.since), limit: filter.limit }),
      );
      return rows.map(incidentOf);
    },
  };

  async function close(tx: Transaction, id: IncidentId, end: IncidentEnd): Promise<void> {
    const { environment, target, number } = id;
    const at = instant(end.at);
    await noteChanges(tx, id, end.parts);
    await tx.run(`UPDATE incidents SET phase = 'closed', outcome = :outcome, closed_at = :at, parts = :parts, narrative = :narrative WHERE ${BY_ID}`, {
      environment, target, number, outcome: end.outcome, at, parts: storableText(end.parts), narrative: end.narrative,
    });
    for (const row of end.settled) await settleRow(tx, row);
    const settled = end.settled.map(({ fingerprint, revision, resource, path, outcome, until, by, reason }) => ({ fingerprint, revision, resource, path, outcome, until, by, reason }));
    await append(tx, { at, kind: 'closed', environment, target, incident: number, by: 'holdfast', data: { outcome: end.outcome, parts: end.parts, narrative: end.narrative, settled } });
  }
}

function incidentOf(row: Row): IncidentRow {
  return compact({
    environment: text(row, 'environment'),
    target: text(row, 'target'),
    number: integer(row, 'number'),
    kind: text(row, 'kind') as IncidentKind,
    drift: text(row, 'drift'),
    runId: optionalText(row, 'run_id'),
    phase: text(row, 'phase') as Phase,
    outcome: optionalText(row, 'outcome') as Outcome | undefined,
    risk: optionalText(row, 'risk'),
    openedAt: text(row, 'opened_at'),
    closedAt: optionalText(row, 'closed_at'),
    undoes: optionalInteger(row, 'undoes'),
    parts: json<readonly JsonObject[]>(row, 'parts'),
    narrative: optionalText(row, 'narrative'),
  });
}

function withPart(parts: readonly JsonObject[], part: NonNullable<IncidentUpdate['part']>): { parts: readonly JsonObject[]; phase: Phase } {
  const before = parts.find((each) => each['part'] === part.part) ?? {};
  const all = [...parts.filter((each) => each['part'] !== part.part), { ...before, ...part }];
  return { parts: all, phase: foremostPhase(all.flatMap((each) => (isPhase(each['phase']) ? [each['phase']] : []))) };
}

function isPhase(value: unknown): value is Phase {
  return typeof value === 'string' && value in TRANSITIONS;
}
