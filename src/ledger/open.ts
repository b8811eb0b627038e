import { dirname, join } from 'node:path';
import { openFolderArtifacts } from './folder-artifacts.js';
import type { ArtifactStore } from './artifacts.js';
import type { Ledger } from './ledger.js';
import { openSqliteLedger } from './sqlite/open.js';

/** Where the stores lie, as the configuration says. */
export interface Stores {
  readonly ledger: { readonly type: 'sqlite'; readonly file: string };
  readonly artifacts: { readonly type: 'folder'; readonly folder: string };
}

/** Opens the configured ledger; its signing key lies beside it. `readOnly` creates nothing and refuses writes. */
export function openLedger({ ledger }: Pick<Stores, 'ledger'>, options: { readonly readOnly?: boolean } = {}): Promise<Ledger> {
  return openSqliteLedger({ file: ledger.file, signingKeyFile: join(dirname(ledger.file), 'ledger.key'), ...options });
}

/** Opens the configured artifact store; the environments' keys lie in `keys` beside it. */
export function openArtifacts({ artifacts }: Pick<Stores, 'artifacts'>): Promise<ArtifactStore> {
  return openFolderArtifacts({ folder: artifacts.folder, keyFolder: join(dirname(artifacts.folder), 'keys') });
}
