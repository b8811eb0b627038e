import { parseAddress, parseIncident } from '../../domain/address.js';
import type { JsonObject } from '../../domain/json.js';
import { instant, optionalInstant } from '../instant.js';
import type { Ledger, OutboxMessage } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import type { Database } from './database.js';
import { compact, integer, jsonObject, optionalText, text, type Row } from './rows.js';

/** Still to be sent: neither delivered nor given up. */
const PENDING = 'delivered_at IS NULL AND given_up_at IS NULL';

export function createOutbox(database: Database, append: AppendEntry): Pick<Ledger, 'enqueue' | 'takeDue' | 'delivered' | 'outbox'> {
  return {
    async enqueue(messages) {
      if (messages.length === 0) return;
      await database.write(async (tx) => {
        for (const { id, sink, event, subject, at, body, attempts, nextAt } of messages) {
          await tx.run(
            `INSERT INTO outbox (id, sink, event, subject, at, body, attempts, next_at)
             VALUES (:id, :sink, :event, :subject, :at, :body, :attempts, :nextAt) ON CONFLICT (id) DO NOTHING`,
            { id, sink, event, subject, at: instant(at), body: storableText(body), attempts, nextAt: instant(nextAt) },
          );
        }
      });
    },

    async takeDue({ at: given, leaseUntil, limit, sink }) {
      const at = instant(given);
      const due = `${PENDING} AND next_at <= :at AND (taken_until IS NULL OR taken_until <= :at)${sink === undefined ? '' : ' AND sink = :sink'}`;
      // Asked often and mostly in vain: only what is there is worth a transaction.
      const values = compact({ at, sink });
      if ((await database.get(`SELECT 1 AS one FROM outbox WHERE ${due} LIMIT 1`, values)) === undefined) return [];
      return database.write(async (tx) => {
        const rows = await tx.all(`SELECT * FROM outbox WHERE ${due} ORDER BY at, id LIMIT :limit`, { ...values, limit });
        for (const row of rows) await tx.run('UPDATE outbox SET taken_until = :leaseUntil WHERE id = :id', { id: text(row, 'id'), leaseUntil: instant(leaseUntil) });
        return rows.map(messageOf);
      }, { locks: ['outbox'] });
    },

    async delivered(id, { at: given, ok, error, retryAt }) {
      const at = instant(given);
      const nextAt = optionalInstant(retryAt);
      await database.write(async (tx) => {
        const row = await tx.get(`SELECT * FROM outbox WHERE id = :id AND ${PENDING}`, { id });
        if (row === undefined) return;
        // The same failure told again: it was counted, and the message is nobody's until its next time.
        if (!ok && optionalText(row, 'taken_until') === undefined && text(row, 'next_at') === nextAt) return;
        const attempts = integer(row, 'attempts') + 1;
        const ended = ok || nextAt === undefined;
        await tx.run(
          'UPDATE outbox SET attempts = :attempts, taken_until = NULL, next_at = coalesce(:nextAt, next_at), delivered_at = :deliveredAt, given_up_at = :givenUpAt, error = :error WHERE id = :id',
          { id, attempts, nextAt, deliveredAt: ok ? at : undefined, givenUpAt: ended && !ok ? at : undefined, error: ok ? undefined : error },
        );
        if (ended) await append(tx, { at, kind: 'message', ...placeOf(text(row, 'subject')), by: 'holdfast', data: { id, sink: text(row, 'sink'), event: text(row, 'event'), subject: text(row, 'subject'), delivered: ok, attempts, error: ok ? undefined : error } });
      }, { locks: ['record', 'outbox'] });
    },

    async outbox({ pending, limit }) {
      const condition = pending === undefined ? 'TRUE' : pending ? PENDING : `NOT (${PENDING})`;
      const bound = limit === undefined ? '' : ' LIMIT :limit';
      return (await database.all(`SELECT * FROM outbox WHERE ${condition} ORDER BY at, id${bound}`, compact({ limit }))).map(messageOf);
    },
  };
}

/** A subject is an incident or an address; anything else is filed under nothing. */
function placeOf(subject: string): { readonly environment?: string; readonly target?: string; readonly incident?: number } {
  const incident = parseIncident(subject);
  if (incident === undefined) return parseAddress(subject) ?? {};
  return compact({ environment: incident.environment, target: incident.target, incident: incident.number });
}

function messageOf(row: Row): OutboxMessage {
  const body: JsonObject = jsonObject(row, 'body');
  return compact({
    id: text(row, 'id'),
    sink: text(row, 'sink'),
    event: text(row, 'event'),
    subject: text(row, 'subject'),
    at: text(row, 'at'),
    body,
    attempts: integer(row, 'attempts'),
    nextAt: text(row, 'next_at'),
    deliveredAt: optionalText(row, 'delivered_at'),
    error: optionalText(row, 'error'),
  });
}
