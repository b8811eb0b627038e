import { sha256 } from '../../digest.js';
import { entryHash, GENESIS, type StoredEntry } from '../entry.js';
import { instant, optionalInstant } from '../instant.js';
import type { Entry, EntryFilter, EntryKind, Ledger, NewEntry } from '../ledger.js';
import { storableText, wellFormedText } from '../storable.js';
import type { Database, Reads, Transaction, Values } from './database.js';
import { compact, integer, optionalInteger, optionalText, text, type Row } from './rows.js';

/** Entries are read in pages, so that a reader who pauses holds no lock and no memory. */
const PAGE = 500;

/** Appends to the record inside the transaction of the caller, which holds the lock `record`: nothing is done that is not recorded. */
export type AppendEntry = (tx: Transaction, entry: NewEntry) => Promise<Entry>;

export interface Head {
  readonly seq: number;
  readonly hash: string;
  /** Time of the newest entry; undefined while there is none. */
  readonly at?: string;
}

export function createChain(database: Database): { readonly append: AppendEntry; readonly methods: Pick<Ledger, 'append' | 'entries'> } {
  // Nobody else moves the head while the transaction lasts, so one look at it is enough.
  const heads = new WeakMap<Transaction, { readonly seq: number; readonly hash: string }>();

  async function append(tx: Transaction, entry: NewEntry): Promise<Entry> {
    const clean = normal(entry);
    const { seq, hash: previous } = heads.get(tx) ?? (await headOf(tx));
    const linked = { ...clean.entry, seq: seq + 1, previous };
    const hash = entryHash(linked, clean.dataText);
    const { environment, target, incident, by } = linked;
    const inserted = tx.run(
      `INSERT INTO entries (seq, previous, at, kind, environment, target, incident, by, data, hash, content)
       VALUES (:seq, :previous, :at, :kind, :environment, :target, :incident, :by, :data, :hash, :content)`,
      { seq: linked.seq, previous, at: linked.at, kind: linked.kind, environment, target, incident, by, data: clean.dataText, hash, content: clean.content },
    );
    await Promise.all([inserted, tx.run('INSERT INTO chain_head (id, seq, hash) VALUES (1, :seq, :hash) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash', { seq: linked.seq, hash })]);
    heads.set(tx, { seq: linked.seq, hash });
    return entryOf({ ...linked, dataText: clean.dataText, hash });
  }

  /** The very same entry, time included, is the same event told again by a retried step. */
  async function known(tx: Transaction, entry: NewEntry): Promise<Entry | undefined> {
    const clean = normal(entry);
    const rows = await tx.all('SELECT * FROM entries WHERE content = :content ORDER BY seq', { content: clean.content });
    const same = rows.find((row) => normal(entryOf(storedEntry(row))).full === clean.full);
    return same === undefined ? undefined : entryOf(storedEntry(same));
  }

  return {
    append,
    methods: {
      append: (entry) => database.write(async (tx) => {
        // Side by side, since the server may be far away.
        const [before, head] = await Promise.all([known(tx, entry), headOf(tx)]);
        heads.set(tx, head);
        return before ?? append(tx, entry);
      }, { locks: ['record'] }),
      entries: (filter) => readEntries(database, filter),
    },
  };
}

export async function headOf(reads: Reads): Promise<Head> {
  const row = await reads.get('SELECT seq, hash, (SELECT at FROM entries WHERE entries.seq = chain_head.seq) AS at FROM chain_head');
  if (row === undefined) return { seq: 0, hash: GENESIS };
  return compact({ seq: integer(row, 'seq'), hash: text(row, 'hash'), at: optionalText(row, 'at') });
}

export function storedEntry(row: Row): StoredEntry {
  return {
    seq: integer(row, 'seq'),
    previous: text(row, 'previous'),
    at: text(row, 'at'),
    kind: text(row, 'kind') as EntryKind,
    environment: optionalText(row, 'environment'),
    target: optionalText(row, 'target'),
    incident: optionalInteger(row, 'incident'),
    by: optionalText(row, 'by'),
    dataText: text(row, 'data'),
    hash: text(row, 'hash'),
  };
}

function entryOf(stored: StoredEntry): Entry {
  const { dataText, ...rest } = stored;
  return compact({ ...rest, data: JSON.parse(dataText) as Entry['data'] });
}

async function* readEntries(database: Database, filter: EntryFilter): AsyncGenerator<Entry, void, undefined> {
  let after = filter.after ?? 0;
  let left = filter.limit ?? Number.POSITIVE_INFINITY;
  const { sql, values } = entryQuery(filter);
  while (left > 0) {
    const page = Math.min(PAGE, left);
    const rows = await database.all(sql, { ...values, after, page });
    for (const row of rows) yield entryOf(storedEntry(row));
    if (rows.length < page) return;
    left -= rows.length;
    after = integer(rows.at(-1) ?? {}, 'seq');
  }
}

function entryQuery(filter: EntryFilter): { readonly sql: string; readonly values: Values } {
  const conditions = ['seq > :after'];
  if (filter.environment !== undefined) conditions.push('environment = :environment');
  if (filter.target !== undefined) conditions.push('target = :target');
  if (filter.incident !== undefined) conditions.push('incident = :incident');
  if (filter.since !== undefined) conditions.push('at >= :since');
  if (filter.kinds !== undefined) conditions.push('kind = ANY (:kinds)');
  const { environment, target, incident, kinds } = filter;
  const given = { environment, target, incident, since: optionalInstant(filter.since), kinds };
  return { sql: `SELECT * FROM entries WHERE ${conditions.join(' AND ')} ORDER BY seq LIMIT :page`, values: compact(given) };
}

/** The entry as it will be stored: one spelling of its time, no lone surrogates, `data` as canonical text. */
function normal(entry: NewEntry): { readonly entry: Omit<NewEntry, 'data'>; readonly dataText: string; readonly full: string; readonly content: number } {
  const { kind, incident } = entry;
  const clean = compact({
    at: instant(entry.at),
    kind,
    environment: wellFormed(entry.environment),
    target: wellFormed(entry.target),
    incident,
    by: wellFormed(entry.by),
  });
  const dataText = storableText(entry.data);
  const full = storableText([clean, dataText]);
  return { entry: clean, dataText, full, content: Number.parseInt(sha256(full).slice(0, 12), 16) };
}

function wellFormed(text: string | undefined): string | undefined {
  // PostgreSQL stores no NUL in a text, and one record must hash alike on every store.
  return text === undefined ? undefined : wellFormedText(text).replaceAll('\0', '\uFFFD');
}
