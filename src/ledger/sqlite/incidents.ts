import { formatIncident, type IncidentId, type TargetAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import { foremostPhase, TRANSITIONS, type Outcome, type Phase } from '../../domain/phase.js';
import { instant, optionalInstant } from '../instant.js';
import type { IncidentEnd, IncidentKind, IncidentRow, IncidentUpdate, Ledger } from '../ledger.js';
import { storableText } from '../storable.js';
import { headOf, type AppendEntry } from './chain.js';
import type { Database } from './database.js';
import { compact, integer, json, optionalInteger, optionalText, text, type Row } from './rows.js';
import type { SettleRow } from './settled.js';

type Methods = Pick<Ledger, 'openIncident' | 'updateIncident' | 'closeIncident' | 'incident' | 'incidents'>;

const BY_ID = 'environment = :environment AND target = :target AND number = :number';

export function createIncidents(database: Database, { append, settleRow }: { readonly append: AppendEntry; readonly settleRow: SettleRow }): Methods {
  function openRow({ environment, target }: TargetAddress): Row | undefined {
    return database.get('SELECT * FROM incidents WHERE environment = :environment AND target = :target AND closed_at IS NULL', { environment, target });
  }

  function rowOf({ environment, target, number }: IncidentId): Row {
    const row = database.get(`SELECT * FROM incidents WHERE ${BY_ID}`, { environment, target, number });
    if (row === undefined) throw new HoldfastError('Invalid', `ledger: there is no incident ${formatIncident({ environment, target, number })}`, { remedy: '`holdfast incidents` lists them' });
    return row;
  }

  /** Remembers which changes an incident has contained, for recurrence. Parts name them in `fingerprints`. */
  function noteChanges({ environment, target, number }: IncidentId, parts: readonly JsonObject[]): void {
    for (const part of parts) {
      const outcome = typeof part['outcome'] === 'string' ? part['outcome'] : undefined;
      const fingerprints = Array.isArray(part['fingerprints']) ? part['fingerprints'] : [];
      for (const fingerprint of fingerprints) {
        if (typeof fingerprint !== 'string') continue;
        database.run(
          `INSERT INTO incident_changes (environment, target, number, fingerprint, outcome) VALUES (:environment, :target, :number, :fingerprint, :outcome)
           ON CONFLICT DO UPDATE SET outcome = coalesce(excluded.outcome, outcome)`,
          { environment, target, number, fingerprint, outcome },
        );
      }
    }
  }

  return {
    async openIncident({ address, at: given, drift, kind, undoes, after = 0 }) {
      const at = instant(given);
      const { environment, target } = address;
      return database.write(() => {
        const open = openRow(address);
        if (open !== undefined) {
          const row = incidentOf(open);
          return { row, opened: row.openedAt === at && row.drift === drift && row.kind === kind };
        }
        const last = database.get('SELECT max(number) AS number FROM incidents WHERE environment = :environment AND target = :target', { environment, target });
        const number = Math.max(typeof last?.['number'] === 'number' ? last['number'] : 0, after) + 1;
        database.run(
          `INSERT INTO incidents (environment, target, number, kind, drift, phase, opened_at, undoes, parts, first_seq)
           VALUES (:environment, :target, :number, :kind, :drift, 'deciding', :at, :undoes, '[]', :firstSeq)`,
          { environment, target, number, kind, drift, at, undoes, firstSeq: headOf(database).seq + 1 },
        );
        append({ at, kind: 'opened', environment, target, incident: number, by: 'holdfast', data: { kind, drift, undoes } });
        return { row: incidentOf(rowOf({ environment, target, number })), opened: true };
      });
    },

    async updateIncident(id, update) {
      database.write(() => {
        const row = incidentOf(rowOf(id));
        // The end was recorded; a straggler of the same incident changes nothing any more.
        if (row.closedAt !== undefined) return;
        const { environment, target, number } = id;
        const { part, ...whole } = update;
        const next = { ...row, ...compact<IncidentUpdate>(whole), ...(part === undefined ? {} : withPart(whole.parts ?? row.parts, part)) };
        database.run(`UPDATE incidents SET drift = :drift, run_id = :runId, phase = :phase, risk = :risk, parts = :parts WHERE ${BY_ID}`, {
          environment, target, number, drift: next.drift, runId: next.runId, phase: next.phase, risk: next.risk, parts: storableText(next.parts),
        });
        if (update.parts !== undefined || part !== undefined) noteChanges(id, next.parts);
      });
    },

    async closeIncident(id, end) {
      database.write(() => {
        if (incidentOf(rowOf(id)).closedAt !== undefined) return;
        close(id, end);
      });
    },

    async incident({ environment, target }, number) {
      const row = number === undefined
        ? database.get('SELECT * FROM incidents WHERE environment = :environment AND target = :target ORDER BY number DESC LIMIT 1', { environment, target })
        : database.get(`SELECT * FROM incidents WHERE ${BY_ID}`, { environment, target, number });
      return row === undefined ? undefined : incidentOf(row);
    },

    async incidents(filter) {
      const conditions = ['1'];
      if (filter.environment !== undefined) conditions.push('environment = :environment');
      if (filter.target !== undefined) conditions.push('target = :target');
      if (filter.outcome !== undefined) conditions.push('outcome = :outcome');
      if (filter.open !== undefined) conditions.push(filter.open ? 'closed_at IS NULL' : 'closed_at IS NOT NULL');
      // What was under way since then, not only what began since then.
      if (filter.since !== undefined) conditions.push('(closed_at IS NULL OR closed_at >= :since)');
      const { environment, target, outcome } = filter;
      return database
        .all(`SELECT * FROM incidents WHERE ${conditions.join(' AND ')} ORDER BY opened_at DESC, number DESC, environment, target LIMIT :limit`, {
          ...compact({ environment, target, outcome, since: optionalInstant(filter.since) }),
          limit: filter.limit ?? -1,
        })
        .map(incidentOf);
    },
  };

  function close(id: IncidentId, end: IncidentEnd): void {
    const { environment, target, number } = id;
    const at = instant(end.at);
    noteChanges(id, end.parts);
    database.run(`UPDATE incidents SET phase = 'closed', outcome = :outcome, closed_at = :at, parts = :parts, narrative = :narrative WHERE ${BY_ID}`, {
      environment, target, number, outcome: end.outcome, at, parts: storableText(end.parts), narrative: end.narrative,
    });
    for (const row of end.settled) settleRow(row);
    const settled = end.settled.map(({ fingerprint, revision, resource, path, outcome, until, by, reason }) => ({ fingerprint, revision, resource, path, outcome, until, by, reason }));
    append({ at, kind: 'closed', environment, target, incident: number, by: 'holdfast', data: { outcome: end.outcome, parts: end.parts, narrative: end.narrative, settled } });
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
