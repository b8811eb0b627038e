import type { KeyObject } from 'node:crypto';
import { instant } from '../instant.js';
import type { Checkpoint, Ledger } from '../ledger.js';
import { signCheckpoint } from '../signing.js';
import { verifyRecord, type RecordSnapshot } from '../verify.js';
import { headOf, storedEntry } from './chain.js';
import type { Database, Reads, Transaction } from './database.js';
import { compact, integer, text, type Row } from './rows.js';

const PAGE = 5_000;

/** The private key, loaded (or made) before the transaction that signs, since that touches other things. */
export type Seal = KeyObject;

/** Where a store keeps the keys of its checkpoints, and the copy of the newest one outside the database. */
export interface Seals {
  /** The key to sign with; `undefined` in a process that holds none. Refused where the ledger is only read. */
  seal(): Promise<Seal | undefined>;
  /** Remembers the public half, in the transaction of its first signature, where the store keeps those. */
  remember(tx: Transaction, seal: Seal): Promise<void>;
  /** What `verify` trusts, and whether there must have been a checkpoint. */
  trust(reads: Reads): Promise<{ readonly trusted: ReadonlySet<string>; readonly keyExists: boolean }>;
  readOutside(): Checkpoint | undefined;
  writeOutside(checkpoint: Checkpoint): void;
}

export interface Checkpoints {
  /** Signs and stores, inside the transaction of the caller; `undefined` when nothing was written since the last. */
  sign(tx: Transaction, at: string, seal: Seal): Promise<Checkpoint | undefined>;
  /** Signs that everything up to that entry was removed, and forgets the checkpoints that lie before. */
  signPruned(tx: Transaction, body: { readonly seq: number; readonly head: string; readonly at: string }, seal: Seal): Promise<void>;
  /** Copies the newest checkpoint outside the database. After the transaction that stored it. */
  publish(): Promise<void>;
  seal(): Promise<Seal | undefined>;
  readonly methods: Pick<Ledger, 'checkpoint' | 'verify'>;
}

export function createCheckpoints(database: Database, seals: Seals): Checkpoints {
  async function sign(tx: Transaction, at: string, seal: Seal): Promise<Checkpoint | undefined> {
    if (!(await hasNews(tx))) return undefined;
    const head = await headOf(tx);
    const checkpoint = signCheckpoint({ seq: head.seq, head: head.hash, at: instant(at) }, seal);
    await seals.remember(tx, seal);
    await insert(tx, checkpoint);
    return checkpoint;
  }

  async function signPruned(tx: Transaction, body: { readonly seq: number; readonly head: string; readonly at: string }, seal: Seal): Promise<void> {
    await tx.run('DELETE FROM checkpoints WHERE seq <= :seq OR pruned = 1', { seq: body.seq });
    await seals.remember(tx, seal);
    await insert(tx, signCheckpoint({ ...body, pruned: true }, seal));
  }

  /** Under a lock, so that of two processes the one with the newer checkpoint writes last. */
  async function publish(): Promise<void> {
    await database.write(async (tx) => {
      const newest = await tx.get('SELECT * FROM checkpoints WHERE pruned = 0 ORDER BY seq DESC LIMIT 1');
      if (newest !== undefined) seals.writeOutside(checkpointOf(newest));
    }, { locks: ['checkpoint'] });
  }

  return {
    sign,
    signPruned,
    publish,
    seal: () => seals.seal(),
    methods: {
      async checkpoint(at) {
        if (!(await hasNews(database))) return undefined;
        const seal = await seals.seal();
        if (seal === undefined) return undefined;
        const checkpoint = await database.write((tx) => sign(tx, at, seal), { locks: ['record'] });
        if (checkpoint !== undefined) await publish();
        return checkpoint;
      },
      // The copy outside is read first: it is written after its row, so a snapshot taken later has that row.
      async verify(options = {}) {
        const outside = seals.readOutside();
        return database.snapshot(async (reads) => verifyRecord(await recordSnapshot(reads, seals, outside), options.onProgress));
      },
    },
  };
}

export async function newestPruning(reads: Reads): Promise<(Checkpoint & { readonly pruned: true }) | undefined> {
  const row = await reads.get('SELECT * FROM checkpoints WHERE pruned = 1 ORDER BY seq DESC LIMIT 1');
  return row === undefined ? undefined : { ...checkpointOf(row), pruned: true };
}

async function hasNews(reads: Reads): Promise<boolean> {
  const newest = await reads.get('SELECT max(seq) AS seq FROM checkpoints');
  return (await headOf(reads)).seq > (typeof newest?.['seq'] === 'number' ? newest['seq'] : 0);
}

async function recordSnapshot(reads: Reads, seals: Seals, outside: Checkpoint | undefined): Promise<RecordSnapshot> {
  const head = await reads.get('SELECT seq, hash FROM chain_head');
  return {
    pages: pages(reads),
    checkpoints: (await reads.all('SELECT * FROM checkpoints WHERE pruned = 0 ORDER BY seq')).map(checkpointOf),
    ...(await seals.trust(reads)),
    async following(hash) {
      const row = await reads.get('SELECT * FROM entries WHERE previous = :hash', { hash });
      return row === undefined ? undefined : storedEntry(row);
    },
    ...compact({
      head: head === undefined ? undefined : { seq: integer(head, 'seq'), hash: text(head, 'hash') },
      pruned: await newestPruning(reads),
      outside,
    }),
  };
}

/** The next page is asked for before this one is checked, so that a server and this process work side by side. */
async function* pages(reads: Reads): AsyncGenerator<ReturnType<typeof storedEntry>[], void, undefined> {
  const pageAfter = (after: number): Promise<readonly Row[]> => reads.all('SELECT seq, previous, at, kind, environment, target, incident, by, data, hash FROM entries WHERE seq > :after ORDER BY seq LIMIT :page', { after, page: PAGE });
  let next = pageAfter(0);
  for (;;) {
    const rows = await next;
    const last = rows.at(-1);
    if (last === undefined) return;
    next = pageAfter(integer(last, 'seq'));
    // Awaited in the next turn, where it throws; a reader that stops before takes no harm of it.
    next.catch(() => undefined);
    yield rows.map(storedEntry);
  }
}

async function insert(tx: Transaction, { seq, head, at, key, signature, pruned }: Checkpoint): Promise<void> {
  await tx.run('INSERT INTO checkpoints (seq, head, at, key, signature, pruned) VALUES (:seq, :head, :at, :key, :signature, :pruned)', { seq, head, at, key, signature, pruned: pruned === true ? 1 : 0 });
}

function checkpointOf(row: Row): Checkpoint {
  const pruned = integer(row, 'pruned') === 1 ? { pruned: true as const } : {};
  return { seq: integer(row, 'seq'), head: text(row, 'head'), at: text(row, 'at'), signature: text(row, 'signature'), key: text(row, 'key'), ...pruned };
}
