import { driftFingerprint, type Observation } from '../../domain/change.js';
import { CLEAN } from '../../domain/deciding/sighting.js';
import type { Target } from '../../domain/target.js';
import { hashJson } from '../../digest.js';
import { concerns, type Concerns } from '../../policy/concerns.js';
import type { Dependencies } from '../deps.js';

export interface Relevant extends Concerns {
  /** What an incident is told: equal for equal relevant changes, `clean` when there are none. */
  readonly drift: string;
}

/** What of an observation concerns anybody now: the memory of what ended, and of what was accepted, taken out. */
export async function relevantChanges(deps: Pick<Dependencies, 'config' | 'ledger'>, target: Target, observation: Observation, at: string): Promise<Relevant> {
  const found = await concerns({ config: await deps.config(), target, changes: observation.changes, at, ledger: deps.ledger });
  return { ...found, drift: found.changes.length === 0 ? CLEAN : driftFingerprint(found.changes, hashJson) };
}
