import { driftFingerprint, type Change, type Observation } from '../domain/change.js';
import { CLEAN } from '../domain/sighting.js';
import type { TargetAddress } from '../domain/address.js';
import { hashJson } from '../digest.js';
import type { Acceptance, Ledger } from '../ledger/ledger.js';

export interface Relevant {
  /** Changes that are neither settled nor accepted. */
  readonly changes: readonly Change[];
  /** What an incident is told: equal for equal relevant changes, `clean` when there are none. */
  readonly drift: string;
}

/** What of an observation concerns anybody now: the memory of what ended, and of what was accepted, taken out. */
export async function relevantChanges(ledger: Ledger, address: TargetAddress, observation: Observation, at: string): Promise<Relevant> {
  if (observation.changes.length === 0) return { changes: [], drift: CLEAN };
  const [settled, acceptances] = await Promise.all([ledger.settled(address, observation.changes, at), ledger.acceptances(address, at)]);
  const known = new Set(settled.map((row) => `${row.fingerprint} ${row.revision}`));
  const changes = observation.changes.filter((change) => !known.has(`${change.fingerprint} ${change.revision}`) && !acceptances.some((each) => covers(each, change)));
  return { changes, drift: changes.length === 0 ? CLEAN : driftFingerprint(changes, hashJson) };
}

/** An acceptance given for a change that was seen holds for that change alone; one announced before holds for its field. */
function covers(acceptance: Acceptance, change: Change): boolean {
  if (acceptance.fingerprint !== undefined) return acceptance.fingerprint === change.fingerprint;
  return acceptance.resource === change.resource && (acceptance.path === undefined || acceptance.path === change.path);
}
