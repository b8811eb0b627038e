import type { CommandMessage, DecisionKind } from '../message.js';

/** Words and the signature over them, as given: it can be verified again, by whoever has the key. */
export type Signed = {
  /** Canonical JSON. */
  readonly statement: string;
  /** Armoured, as `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
};

/**
 * What only stops needs no signature, also where others must be signed: whoever could send it could
 * cancel the run as well, and whoever must stop a repair must not have to look for a key.
 */
export function onlyStops(said: { readonly decision: DecisionKind } | Pick<CommandMessage, 'command'>): boolean {
  return 'decision' in said ? said.decision === 'rollback' : said.command === 'freeze';
}
