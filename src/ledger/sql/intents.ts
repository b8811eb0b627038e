import { formatAddress, type TargetAddress } from '../../domain/address.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { ChildProcessIdentity } from '../../providers/provider.js';
import { instant, optionalInstant } from '../instant.js';
import type { IntentRow, Ledger, NewIntent } from '../ledger.js';
import { storableText } from '../storable.js';
import type { AppendEntry } from './chain.js';
import { lockOf, type Database, type Reads, type Transaction } from './database.js';
import { compact, integer, json, optionalInteger, optionalText, text, type Row } from './rows.js';

/** An error's text is for a person; a provider's whole output is not. */
const LONGEST_ERROR = 4_000;

type Methods = Pick<Ledger, 'takeFence' | 'intend' | 'intentChild' | 'closeIntent' | 'intents' | 'stepDone'>;

export function createIntents(database: Database, append: AppendEntry): Methods {
  async function newestFence(reads: Reads, { environment, target }: TargetAddress): Promise<number> {
    const row = await reads.get('SELECT token FROM fences WHERE environment = :environment AND target = :target', { environment, target });
    return row === undefined ? 0 : integer(row, 'token');
  }

  async function find(reads: Reads, key: string): Promise<IntentRow | undefined> {
    const row = await reads.get('SELECT * FROM intents WHERE key = :key', { key });
    return row === undefined ? undefined : intentOf(row);
  }

  /** Writes the row as given and says so in the record. */
  async function record(tx: Transaction, intent: IntentRow): Promise<IntentRow> {
    const { key, environment, target, number, step, write, resource, plan, fence, at, attempts, child } = intent;
    await tx.run(
      `INSERT INTO intents (key, environment, target, number, step, write, resource, plan, fence, at, attempts, child)
       VALUES (:key, :environment, :target, :number, :step, :write, :resource, :plan, :fence, :at, :attempts, :child)
       ON CONFLICT (key) DO UPDATE SET environment = excluded.environment, target = excluded.target, number = excluded.number, step = excluded.step, write = excluded.write,
         resource = excluded.resource, plan = excluded.plan, fence = excluded.fence, at = excluded.at, attempts = excluded.attempts, child = excluded.child, closed_at = NULL, ok = NULL, error = NULL`,
      { key, environment, target, number, step, write: write, resource: resource, plan, fence, at, attempts, child: child === undefined ? undefined : storableText(child as unknown as Json) },
    );
    await append(tx, { at, kind: 'intent', environment, target, incident: number, by: 'holdfast', data: { key, step, write, resource, plan, fence, attempts } });
    return intent;
  }

  return {
    async takeFence({ address, step, attempt, run, at }) {
      const { environment, target } = address;
      const key = { environment, target, step, run };
      return database.write(async (tx) => {
        const known = await tx.get('SELECT attempt, token FROM fence_attempts WHERE environment = :environment AND target = :target AND step = :step AND run = :run', key);
        if (known !== undefined && integer(known, 'attempt') > attempt) {
          throw fenced(`attempt ${attempt} of ${step} comes after attempt ${integer(known, 'attempt')} of the same step`);
        }
        if (known !== undefined && integer(known, 'attempt') === attempt) return integer(known, 'token');
        const token = (await newestFence(tx, address)) + 1;
        await tx.run('INSERT INTO fences (environment, target, token) VALUES (:environment, :target, :token) ON CONFLICT (environment, target) DO UPDATE SET token = excluded.token', { environment, target, token });
        await tx.run(
          `INSERT INTO fence_attempts (environment, target, step, run, attempt, token, at) VALUES (:environment, :target, :step, :run, :attempt, :token, :at)
           ON CONFLICT (environment, target, step, run) DO UPDATE SET attempt = excluded.attempt, token = excluded.token, at = excluded.at`,
          { ...key, attempt, token, at: instant(at) },
        );
        return token;
      }, { locks: [lockOf(address)] });
    },

    async intend(given) {
      const intent: NewIntent = { ...given, at: instant(given.at) };
      return database.write(async (tx) => {
        const newest = await newestFence(tx, intent);
        if (intent.fence !== newest) throw fenced(`${formatAddress(intent)}: the token ${intent.fence} for ${intent.key} is not the newest (${newest}): another attempt may write now`);
        const known = await find(tx, intent.key);
        if (known === undefined) return record(tx, { ...intent, attempts: 1 });
        if (known.closedAt !== undefined) {
          if (known.ok === true && known.plan === intent.plan) return known;
          // It failed, or was done for a plan that no longer stands: this is a write of its own.
          return record(tx, { ...intent, attempts: known.plan === intent.plan ? known.attempts + 1 : 1 });
        }
        if (known.fence === intent.fence && known.plan === intent.plan) return known;
        return record(tx, compact({ ...intent, attempts: known.attempts + 1, child: known.child }));
      }, { locks: ['record', lockOf(intent)] });
    },

    async intentChild(key, child) {
      const changed = await database.write((tx) => tx.run('UPDATE intents SET child = :child WHERE key = :key', { key, child: storableText(child as unknown as Json) }));
      if (changed === 0) throw unknownIntent(key);
    },

    async closeIntent(key, end) {
      const at = instant(end.at);
      const error = end.error?.slice(0, LONGEST_ERROR);
      await database.write(async (tx) => {
        const intent = await find(tx, key);
        if (intent === undefined) throw unknownIntent(key);
        if (end.fence < intent.fence) throw fenced(`the token ${end.fence} for ${key} is older than ${intent.fence}: a later attempt has taken this write over`);
        if (intent.closedAt !== undefined) return;
        await tx.run('UPDATE intents SET closed_at = :at, ok = :ok, error = :error WHERE key = :key', { key, at, ok: end.ok ? 1 : 0, error });
        const { environment, target, number, step, write, resource, plan } = intent;
        await append(tx, { at, kind: 'outcome', environment, target, incident: number, by: 'holdfast', data: { key, step, write, resource, plan, fence: end.fence, ok: end.ok, error } });
      }, { locks: ['record'] });
    },

    async intents({ incident, open, address, since }) {
      const conditions = ['TRUE'];
      if (incident !== undefined) conditions.push('environment = :environment AND target = :target AND number = :number');
      if (address !== undefined) conditions.push('environment = :ofEnvironment AND target = :ofTarget');
      if (open !== undefined) conditions.push(open ? 'closed_at IS NULL' : 'closed_at IS NOT NULL');
      if (since !== undefined) conditions.push('at >= :since');
      const rows = await database.all(`SELECT * FROM intents WHERE ${conditions.join(' AND ')} ORDER BY at, key`, compact({
        environment: incident?.environment, target: incident?.target, number: incident?.number,
        ofEnvironment: address?.environment, ofTarget: address?.target, since: optionalInstant(since),
      }));
      return rows.map(intentOf);
    },

    async stepDone(key, result) {
      if (result !== undefined) {
        await database.write((tx) => tx.run('INSERT INTO steps (key, result) VALUES (:key, :result) ON CONFLICT (key) DO NOTHING', { key, result: storableText(result) }));
      }
      const row = await database.get('SELECT result FROM steps WHERE key = :key', { key });
      return row === undefined ? undefined : json<Json>(row, 'result');
    },
  };
}

function unknownIntent(key: string): HoldfastError {
  return new HoldfastError('Invalid', `ledger: no intent ${JSON.stringify(key.slice(0, 200))} was recorded`);
}

function fenced(message: string): HoldfastError {
  return new HoldfastError('Fenced', `ledger: ${message}`);
}

function intentOf(row: Row): IntentRow {
  const ok = optionalInteger(row, 'ok');
  return compact({
    key: text(row, 'key'),
    environment: text(row, 'environment'),
    target: text(row, 'target'),
    number: integer(row, 'number'),
    step: text(row, 'step'),
    write: text(row, 'write'),
    resource: optionalText(row, 'resource'),
    plan: text(row, 'plan'),
    fence: integer(row, 'fence'),
    at: text(row, 'at'),
    attempts: integer(row, 'attempts'),
    child: optionalText(row, 'child') === undefined ? undefined : json<ChildProcessIdentity>(row, 'child'),
    closedAt: optionalText(row, 'closed_at'),
    ok: ok === undefined ? undefined : ok === 1,
    error: optionalText(row, 'error'),
  });
}
