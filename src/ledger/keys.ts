import type { Stores } from './open.js';

/**
 * Looks at the keys that this process was given, before anything depends on them; one that does not
 * resolve here is somebody else's. Throws `Invalid` for the first that cannot be used, never with the key.
 */
export async function checkKeys({ ledger, artifacts }: Stores, resolveSecret: (reference: string) => Promise<string>): Promise<void> {
  const given = (reference: string): Promise<string | undefined> => resolveSecret(reference).catch(() => undefined);
  if (ledger.type === 'postgres' && ledger.signingKey !== undefined) {
    const pem = await given(ledger.signingKey);
    const { givenKey } = await import('./postgres/seals.js');
    if (pem !== undefined) givenKey(pem);
  }
  if (artifacts.type === 'folder') return;
  const { parseArtifactKey } = await import('./postgres/artifacts.js');
  for (const [environment, references] of Object.entries(artifacts.keys)) {
    for (const reference of references) {
      const text = await given(reference);
      if (text !== undefined) parseArtifactKey(text, environment);
    }
  }
}
