import { entryHash, GENESIS, type StoredEntry } from './entry.js';
import type { Checkpoint, Verification } from './ledger.js';
import { isSigned } from './signing.js';

/** What a store shows of its record, as one snapshot that does not move while it is checked. */
export interface RecordSnapshot {
  /** By sequence number, in pages. */
  readonly pages: AsyncIterable<readonly StoredEntry[]>;
  /** Where the store says that the chain ends; undefined before the first entry. */
  readonly head?: { readonly seq: number; readonly hash: string };
  /** By sequence number, the newest pruning apart. */
  readonly checkpoints: readonly Checkpoint[];
  /** Signed as such: another checkpoint passed off as one has a signature over other members. */
  readonly pruned?: Checkpoint & { readonly pruned: true };
  /** The copy kept outside the database. */
  readonly outside?: Checkpoint;
  /** True when a signing key exists, so that there must have been a checkpoint. */
  readonly keyExists: boolean;
  readonly trusted: ReadonlySet<string>;
  /** The entry that says it follows this hash, wherever it stands. */
  readonly following: (hash: string) => Promise<StoredEntry | undefined>;
}

type Bad = Extract<Verification, { ok: false }>;

/** How far a renumbered row is looked for. */
const RENUMBERED = 64;

/** Checks the whole chain against itself, its signed checkpoints and the copy outside. Names the first bad entry. */
export async function verifyRecord(snapshot: RecordSnapshot, onProgress?: (checked: number) => void): Promise<Verification> {
  const { pruned, outside, trusted } = snapshot;
  const signed = [...(pruned === undefined ? [] : [pruned]), ...snapshot.checkpoints, ...(outside === undefined ? [] : [outside])];
  const forged = signed.filter((checkpoint) => !isSigned(checkpoint, trusted)).sort((one, other) => one.seq - other.seq)[0];
  if (forged !== undefined) return unsigned(forged, trusted);

  let last = { seq: pruned?.seq ?? 0, hash: pruned?.head ?? GENESIS };
  const expected = [...snapshot.checkpoints, ...(outside === undefined ? [] : [outside])]
    .filter((checkpoint) => checkpoint.pruned !== true && checkpoint.seq > last.seq)
    .sort((one, other) => one.seq - other.seq);
  let next = 0;
  let attested = last.seq;
  let checked = 0;
  for await (const page of snapshot.pages) {
    for (const entry of page) {
      if (!follows(entry, last)) return problemOf(entry, last, snapshot);
      last = { seq: entry.seq, hash: entry.hash };
      checked += 1;
      for (let checkpoint = expected[next]; checkpoint?.seq === entry.seq; checkpoint = expected[++next]) {
        if (checkpoint.head !== entry.hash) return bad(attested + 1, 'truncated', `entries after ${attested} were replaced: at ${entry.seq} the chain is not what was signed ${checkpoint.at}`);
        attested = entry.seq;
      }
    }
    onProgress?.(checked);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return ending(snapshot, last, expected.slice(next)) ?? { ok: true, entries: checked, head: last.hash, checkpoints: snapshot.checkpoints.length + (pruned === undefined ? 0 : 1) };
}

/** What only shows at the end: entries or checkpoints cut off, or added past the head. */
function ending(snapshot: RecordSnapshot, last: { readonly seq: number; readonly hash: string }, unmet: readonly Checkpoint[]): Bad | undefined {
  const { head, checkpoints, pruned, outside } = snapshot;
  const ahead = unmet.at(-1);
  if (ahead !== undefined) return bad(last.seq + 1, 'truncated', `the chain ends at ${last.seq}, and ${ahead.seq} was signed ${ahead.at}`);
  if (last.seq < (head?.seq ?? 0)) return bad(last.seq + 1, 'truncated', `the chain ends at ${last.seq}, and ${head?.seq} was written`);
  if (last.seq > (head?.seq ?? 0)) return bad((head?.seq ?? 0) + 1, 'changed', `entries after ${head?.seq ?? 0} were added from outside`);
  if (head !== undefined && head.hash !== last.hash) return bad(last.seq, 'changed', `entry ${last.seq} is not what was written`);
  const stored = checkpoints.at(-1) ?? pruned;
  if (outside !== undefined && (stored === undefined || stored.seq < outside.seq)) return bad(outside.seq, 'truncated', `the checkpoint at ${outside.seq}, signed ${outside.at}, was removed from the database`);
  if (snapshot.keyExists && stored === undefined && outside === undefined && last.seq > 0) return bad(last.seq + 1, 'truncated', 'the record was signed once, and every checkpoint is gone');
  return undefined;
}

function follows(entry: StoredEntry, last: { readonly seq: number; readonly hash: string }): boolean {
  return entry.seq === last.seq + 1 && entry.previous === last.hash && isWhole(entry, entry.seq);
}

async function problemOf(entry: StoredEntry, last: { readonly seq: number; readonly hash: string }, { following }: RecordSnapshot): Promise<Bad> {
  const seq = last.seq + 1;
  if (entry.seq !== seq) return bad(seq, 'removed', `entry ${seq} is missing; the next is ${entry.seq}`);
  const whole = isWhole(entry, entry.seq);
  const moved = await following(last.hash);
  if (moved !== undefined && moved.seq !== seq && isWhole(moved, seq)) return bad(seq, 'reordered', `entry ${seq} stands at ${moved.seq}`);
  if (!whole && entry.previous !== last.hash && wasLater(entry)) return bad(seq, 'removed', `entry ${seq} is missing, and those after it were renumbered`);
  if (whole) return bad(Math.max(1, last.seq), 'changed', `entry ${seq} does not follow from entry ${last.seq}: one of them is not what was written`);
  return bad(seq, 'changed', `entry ${seq} is not what was written`);
}

/** `data` must be one JSON value: otherwise text could be moved between it and the columns beside it. */
function isWhole(entry: StoredEntry, seq: number): boolean {
  if (entryHash(entry.seq === seq ? entry : { ...entry, seq }, entry.dataText) !== entry.hash) return false;
  try {
    JSON.parse(entry.dataText);
    return true;
  } catch {
    return false;
  }
}

function wasLater(entry: StoredEntry): boolean {
  for (let by = 1; by <= RENUMBERED; by += 1) {
    if (isWhole(entry, entry.seq + by)) return true;
  }
  return false;
}

function unsigned(checkpoint: Checkpoint, trusted: ReadonlySet<string>): Bad {
  if (trusted.size === 0) return bad(checkpoint.seq, 'bad-signature', 'no signing key is here to check with: restore it, or its public half, from the backup');
  return bad(checkpoint.seq, 'bad-signature', `the checkpoint at ${checkpoint.seq} is not signed by a key of this ledger`);
}

function bad(seq: number, problem: Bad['problem'], detail: string): Bad {
  return { ok: false, seq, problem, detail };
}
