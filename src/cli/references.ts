import type { Config } from '../config/config.js';

const REFERENCE = /\$\{(?:env|file):[^{}\n]+\}/g;

/** Every secret reference that the configuration holds, once each, in order of their names. */
export function referencesOf(config: Pick<Config, 'targets' | 'notifications' | 'ledger' | 'payloadKeys'>): readonly string[] {
  const found = new Set<string>();
  collect(config.targets, found);
  collect(config.notifications, found);
  collect(config.payloadKeys, found);
  if (config.ledger.type === 'postgres') collect(config.ledger.url, found);
  return [...found].sort();
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') for (const [reference] of value.matchAll(REFERENCE)) found.add(reference);
  else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) collect(member, found);
}

/** What only some processes hold, and which: the others lack nothing. */
export function heldReferencesOf({ ledger, artifacts }: Pick<Config, 'ledger' | 'artifacts'>): readonly { readonly reference: string; readonly holder: string }[] {
  const signing = ledger.type === 'postgres' && ledger.signingKey !== undefined ? [{ reference: ledger.signingKey, holder: 'control workers, which sign the record' }] : [];
  if (artifacts.type === 'folder') return signing;
  const keys = Object.entries(artifacts.keys).flatMap(([environment, references]) => references.map((reference) => ({ reference, holder: `write workers of ${environment}` })));
  return [...signing, { reference: artifacts.url, holder: 'write workers and control workers' }, ...keys];
}
