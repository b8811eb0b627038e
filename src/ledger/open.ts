import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../domain/errors.js';
import type { ArtifactStore } from './artifacts.js';
import { openFolderArtifacts } from './folder-artifacts.js';
import type { Ledger } from './ledger.js';
import { NoRecordYet } from './no-record.js';
import { openSqliteLedger } from './sqlite/open.js';

/** Where the stores lie, as the configuration says. URLs and keys are references, resolved at their use. */
export interface Stores {
  readonly ledger:
    | { readonly type: 'sqlite'; readonly file: string }
    /** `checkpointFile`: this machine's copy of the newest checkpoint, outside the database. */
    | { readonly type: 'postgres'; readonly url: string; readonly signingKey?: string; readonly checkpointFile: string; readonly connections?: number };
  readonly artifacts:
    | { readonly type: 'folder'; readonly folder: string }
    /** `keys`: by environment; the first encrypts, all decrypt. */
    | { readonly type: 'postgres'; readonly url: string; readonly keys: Readonly<Record<string, readonly string[]>> };
}

export interface OpenOptions {
  /** Creates nothing and refuses writes. */
  readonly readOnly?: boolean;
  /** Resolves `${env:…}` and `${file:…}`; a store on a server needs it. */
  readonly resolveSecret?: (reference: string) => Promise<string>;
}

/** Opens the configured ledger. An embedded one has its signing key beside it. */
export async function openLedger({ ledger }: Pick<Stores, 'ledger'>, { readOnly = false, resolveSecret = refuseReferences }: OpenOptions = {}): Promise<Ledger> {
  if (ledger.type === 'sqlite') return openSqliteLedger({ file: ledger.file, signingKeyFile: join(dirname(ledger.file), 'ledger.key'), readOnly });
  const { openPostgresLedger } = await import('./postgres/open.js');
  const { url, signingKey, checkpointFile, connections } = ledger;
  return openPostgresLedger({
    url: () => resolveSecret(url),
    // Where it does not resolve, this process is none of those that sign.
    signingKey: async () => (signingKey === undefined ? undefined : resolveSecret(signingKey).catch(() => undefined)),
    checkpointFile,
    readOnly,
    ...(connections === undefined ? {} : { connections }),
  });
}

/** The ledger, for reading; `undefined` while nothing was ever recorded. */
export async function openExistingLedger(stores: Pick<Stores, 'ledger'>, options: Omit<OpenOptions, 'readOnly'> = {}): Promise<Ledger | undefined> {
  if (stores.ledger.type === 'sqlite' && !existsSync(stores.ledger.file)) return undefined;
  try {
    return await openLedger(stores, { ...options, readOnly: true });
  } catch (error) {
    if (error instanceof NoRecordYet) return undefined;
    throw error;
  }
}

/** Opens the configured artifact store. An embedded one has the environments' keys in `keys` beside it. */
export async function openArtifacts({ artifacts }: Pick<Stores, 'artifacts'>, { resolveSecret = refuseReferences }: Pick<OpenOptions, 'resolveSecret'> = {}): Promise<ArtifactStore> {
  if (artifacts.type === 'folder') return openFolderArtifacts({ folder: artifacts.folder, keyFolder: join(dirname(artifacts.folder), 'keys') });
  const { openPostgresArtifacts } = await import('./postgres/artifacts.js');
  const { url, keys } = artifacts;
  return openPostgresArtifacts({ url: () => resolveSecret(url), keys: async (environment) => Promise.all((keys[environment] ?? []).map(resolveSecret)) });
}

async function refuseReferences(reference: string): Promise<string> {
  throw new HoldfastError('Invalid', `${reference} cannot be resolved here`);
}
