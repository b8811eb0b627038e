import { join, resolve } from 'node:path';
import type { Config } from './config.js';
import type { ConfigFile } from './files.js';
import { check } from './issues.js';
import type { Report } from './problem.js';
import { artifactsSchema, ledgerSchema, retentionSchema, temporalSchema } from './schema.js';
import { quote, suggest } from './text.js';
import { child, locateKey, toPlain } from './tree.js';
import { refuseExpressions } from './variables.js';

export interface StoresPlace {
  readonly root: ConfigFile;
  readonly report: Report;
  readonly environments: readonly string[];
  /** Where the stores are when the configuration does not say. */
  readonly dataDir: string | undefined;
}

/** Where the record and the artifacts are, and how long each is kept. */
export function readStores(place: StoresPlace): Pick<Config, 'ledger' | 'artifacts' | 'retentionMs' | 'payloadKeys'> {
  const dataDir = place.dataDir === undefined ? join(place.root.folder, '.holdfast') : resolve(place.dataDir);
  return {
    ledger: readLedger(place, dataDir),
    artifacts: readArtifacts(place, dataDir),
    ...readTemporal(place),
    retentionMs: readSection(retentionSchema, 'retention', place) ?? retentionSchema.parse({}),
  };
}

function readTemporal(place: StoresPlace): Pick<Config, 'payloadKeys'> {
  const { encryption } = readSection(temporalSchema, 'temporal', place, ['encryption']) ?? {};
  return encryption === undefined ? {} : { payloadKeys: encryption.keys };
}

function readLedger(place: StoresPlace, dataDir: string): Config['ledger'] {
  const { sqlite, postgres, signingKey, connections } = readSection(ledgerSchema, 'ledger', place, ['postgres', 'signingKey']) ?? {};
  if (postgres === undefined) return { type: 'sqlite', file: sqlite === undefined ? join(dataDir, 'ledger.db') : resolve(place.root.folder, sqlite) };
  return {
    type: 'postgres',
    url: postgres,
    checkpointFile: join(dataDir, 'ledger.checkpoint'),
    ...(signingKey === undefined ? {} : { signingKey }),
    ...(connections === undefined ? {} : { connections }),
  };
}

function readArtifacts(place: StoresPlace, dataDir: string): Config['artifacts'] {
  const { folder, postgres, keys = {} } = readSection(artifactsSchema, 'artifacts', place, ['postgres', 'keys']) ?? {};
  if (postgres === undefined) return { type: 'folder', folder: folder === undefined ? join(dataDir, 'artifacts') : resolve(place.root.folder, folder) };
  expectKeys(place, keys);
  return { type: 'postgres', url: postgres, keys };
}

/** Each environment has a key, and each key an environment. */
function expectKeys({ root, report, environments }: StoresPlace, keys: Readonly<Record<string, readonly string[]>>): void {
  const tree = child(root.tree, 'artifacts');
  if (tree === undefined) return;
  for (const name of Object.keys(keys)) {
    if (!environments.includes(name)) report.add({ at: locateKey(tree, ['keys', name]), message: `artifacts.keys: ${quote(name)} is not an environment`, remedy: suggest(name, environments) });
  }
  const without = environments.filter((name) => keys[name] === undefined);
  if (without.length > 0) report.add({ at: tree.at, message: `artifacts.keys: ${without.join(', ')} ${without.length === 1 ? 'has' : 'have'} no key`, remedy: `add ${without[0] ?? ''}: ["\${file:keys/${without[0] ?? ''}.key}"], made with openssl rand -base64 32` });
}

/** Under names that do not tell what is secret. */
const HIDDEN = ['keys', 'encryption'];

/** `references`: the keys in which a reference to a secret stands. */
function readSection<Output>(schema: Parameters<typeof check<Output>>[0], name: string, { root, report }: StoresPlace, references: readonly PropertyKey[] = []): Output | undefined {
  const tree = child(root.tree, name);
  if (tree === undefined) return undefined;
  const value = check(schema, toPlain(tree), { report, where: [name], tree, hidden: HIDDEN });
  if (value !== undefined) refuseExpressions(tree, { report, where: [name], allowed: ([first]) => first !== undefined && references.includes(first) });
  return value;
}
