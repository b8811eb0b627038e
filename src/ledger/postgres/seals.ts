import type { KeyObject } from 'node:crypto';
import { HoldfastError } from '../../domain/errors.js';
import { readOutside, writeOutside } from '../outside.js';
import { parseKey, publicText } from '../signing.js';
import type { Seals } from '../sql/checkpoints.js';
import { text } from '../sql/rows.js';

export interface PostgresSealsOptions {
  readonly name: string;
  readonly readOnly: boolean;
  /** PEM of the private key; `undefined` in a process that holds none, which then signs nothing. */
  readonly signingKey?: () => Promise<string | undefined>;
  /** Where this process keeps its copy of the newest checkpoint; without it there is none. */
  readonly checkpointFile?: string;
}

export function givenKey(pem: string): KeyObject {
  return parseKey(Buffer.from(pem), 'what `ledger.signingKey` resolves to', 'make one with: openssl genpkey -algorithm ed25519');
}

/** The signing key comes from outside; its public half is remembered in the database, for readers. */
export function createSeals({ name, readOnly, signingKey, checkpointFile }: PostgresSealsOptions): Seals {
  return {
    async seal() {
      if (readOnly) throw new HoldfastError('ReadOnly', `${name} was opened for reading only`);
      const pem = await signingKey?.();
      return pem === undefined ? undefined : givenKey(pem);
    },
    async remember(tx, seal) {
      const key = publicText(seal);
      if ((await tx.get('SELECT 1 AS one FROM signers WHERE key = :key', { key })) === undefined) {
        await tx.run('INSERT INTO signers (key, at) VALUES (:key, :at) ON CONFLICT (key) DO NOTHING', { key, at: new Date().toISOString() });
      }
    },
    async trust(reads) {
      const signers = (await reads.all('SELECT key FROM signers')).map((row) => text(row, 'key'));
      return { trusted: new Set(signers), keyExists: signers.length > 0 };
    },
    readOutside: () => (checkpointFile === undefined ? undefined : readOutside(checkpointFile)),
    writeOutside(checkpoint) {
      if (checkpointFile !== undefined) writeOutside(checkpointFile, checkpoint);
    },
  };
}
