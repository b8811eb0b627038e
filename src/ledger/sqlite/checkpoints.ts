import { existsSync, readFileSync } from 'node:fs';
import { canonicalJson } from '../../digest.js';
import type { Json } from '../../domain/json.js';
import { replaceFile } from '../durable-file.js';
import { instant } from '../instant.js';
import type { Checkpoint, Ledger } from '../ledger.js';
import { signCheckpoint, signingKey, trustedKeys } from '../signing.js';
import { verifyRecord, type RecordSnapshot } from '../verify.js';
import { headOf, storedEntry } from './chain.js';
import { openDatabase, readOnlyRefusal, type Database } from './database.js';
import { compact, integer, text, type Row } from './rows.js';

const PAGE = 2_000;
const BUSY_TIMEOUT_MS = 10_000;

export interface Checkpoints {
  /** Signs and stores, inside the transaction of the caller; `undefined` when nothing was written since the last. */
  sign(at: string, seal: Seal): Checkpoint | undefined;
  /** Signs that everything up to that entry was removed, and forgets the checkpoints that lie before. */
  signPruned(body: { readonly seq: number; readonly head: string; readonly at: string }, seal: Seal): void;
  /** The newest pruning, where the chain begins. */
  pruned(): Checkpoint | undefined;
  /** Copies the newest checkpoint to the file beside the database. After the transaction that stored it. */
  publish(): void;
  readonly seal: () => Seal;
  readonly methods: Pick<Ledger, 'checkpoint' | 'verify'>;
}

/** The private key, loaded (or made) before the transaction that signs, since that touches other files. */
type Seal = ReturnType<typeof signingKey>;

export function createCheckpoints(database: Database, keyFile: string): Checkpoints {
  function seal(): Seal {
    if (database.readOnly) throw readOnlyRefusal(database.file);
    return signingKey(keyFile);
  }

  function hasNews(): boolean {
    const newest = database.get('SELECT max(seq) AS seq FROM checkpoints');
    return headOf(database).seq > (typeof newest?.seq === 'number' ? newest.seq : 0);
  }

  function sign(at: string, key: Seal): Checkpoint | undefined {
    if (!hasNews()) return undefined;
    const head = headOf(database);
    const checkpoint = signCheckpoint({ seq: head.seq, head: head.hash, at: instant(at) }, key);
    insert(database, checkpoint);
    return checkpoint;
  }

  function signPruned(body: { readonly seq: number; readonly head: string; readonly at: string }, key: Seal): void {
    database.run('DELETE FROM checkpoints WHERE seq <= :seq OR pruned = 1', { seq: body.seq });
    insert(database, signCheckpoint({ ...body, pruned: true }, key));
  }

  /** Under the write lock, so that of two processes the one with the newer checkpoint writes last. */
  function publish(): void {
    database.write(() => {
      const newest = database.get('SELECT * FROM checkpoints WHERE pruned = 0 ORDER BY seq DESC LIMIT 1');
      if (newest !== undefined) replaceFile(outsideFile(database.file), `${canonicalJson(checkpointOf(newest) as unknown as Json)}\n`, 0o644);
    });
  }

  return {
    sign,
    signPruned,
    publish,
    seal,
    pruned: () => newestPruning(database),
    methods: {
      async checkpoint(at) {
        if (!hasNews()) return undefined;
        const key = seal();
        const checkpoint = database.write(() => sign(at, key));
        if (checkpoint !== undefined) publish();
        return checkpoint;
      },
      async verify(options = {}) {
        return verifyFile(database.file, keyFile, options.onProgress);
      },
    },
  };
}

function newestPruning(database: Database): (Checkpoint & { readonly pruned: true }) | undefined {
  const row = database.get('SELECT * FROM checkpoints WHERE pruned = 1 ORDER BY seq DESC LIMIT 1');
  return row === undefined ? undefined : { ...checkpointOf(row), pruned: true };
}

/**
 * Reads one snapshot through a connection of its own, so that work goes on beside it. The copy
 * outside is read first: it is written after its row, so a snapshot taken later has that row.
 */
async function verifyFile(file: string, keyFile: string, onProgress?: (checked: number) => void): ReturnType<Ledger['verify']> {
  const outside = readOutside(file);
  const trusted = trustedKeys(keyFile);
  const reader = openDatabase({ file, readOnly: true, busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    reader.exec('BEGIN');
    const snapshot: RecordSnapshot = {
      pages: pages(reader),
      checkpoints: reader.all('SELECT * FROM checkpoints WHERE pruned = 0 ORDER BY seq').map(checkpointOf),
      keyExists: existsSync(keyFile),
      trusted,
      following(hash) {
        const row = reader.get('SELECT * FROM entries WHERE previous = :hash', { hash });
        return row === undefined ? undefined : storedEntry(row);
      },
      ...compact({ head: storedHead(reader), pruned: newestPruning(reader), outside }),
    };
    const found = await verifyRecord(snapshot, onProgress);
    if (!reader.reopened()) return found;
  } finally {
    reader.close();
  }
  return verifyFile(file, keyFile, onProgress);
}

function* pages(reader: Database): Generator<ReturnType<typeof storedEntry>[], void, undefined> {
  let after = 0;
  for (;;) {
    const rows = reader.all('SELECT * FROM entries WHERE seq > :after ORDER BY seq LIMIT :page', { after, page: PAGE });
    if (rows.length === 0) return;
    yield rows.map(storedEntry);
    after = integer(rows.at(-1) ?? {}, 'seq');
  }
}

function storedHead(reader: Database): { seq: number; hash: string } | undefined {
  const row = reader.get('SELECT seq, hash FROM chain_head');
  return row === undefined ? undefined : { seq: integer(row, 'seq'), hash: text(row, 'hash') };
}

function outsideFile(file: string): string {
  return `${file}.checkpoint`;
}

/** A copy that cannot be read as a checkpoint is one that nobody signed, and verification says so. */
function readOutside(file: string): Checkpoint | undefined {
  const path = outsideFile(file);
  if (!existsSync(path)) return undefined;
  const unreadable: Checkpoint = { seq: 0, head: '', at: '', signature: '', key: '' };
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Checkpoint> | null;
    return typeof value?.seq === 'number' && typeof value.key === 'string' && typeof value.signature === 'string' ? { ...unreadable, ...value } : unreadable;
  } catch {
    return unreadable;
  }
}

function insert(database: Database, { seq, head, at, key, signature, pruned }: Checkpoint): void {
  database.run('INSERT INTO checkpoints (seq, head, at, key, signature, pruned) VALUES (:seq, :head, :at, :key, :signature, :pruned)', { seq, head, at, key, signature, pruned: pruned === true ? 1 : 0 });
}

function checkpointOf(row: Row): Checkpoint {
  const pruned = integer(row, 'pruned') === 1 ? { pruned: true as const } : {};
  return { seq: integer(row, 'seq'), head: text(row, 'head'), at: text(row, 'at'), signature: text(row, 'signature'), key: text(row, 'key'), ...pruned };
}
