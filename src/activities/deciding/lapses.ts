import { formatIncident, type IncidentId } from '../../domain/address.js';
import { changesInBrief } from '../../domain/describe.js';
import { exceptionKey, lapsedText } from '../../domain/deciding/exception.js';
import { fieldKey } from '../../domain/change.js';
import type { Target } from '../../domain/target.js';
import { hashJson } from '../../digest.js';
import type { Concerns } from '../../policy/concerns.js';
import type { Dependencies } from '../deps.js';
import { tellAbout } from '../telling.js';

export interface Lapsing {
  readonly incident: IncidentId;
  readonly target: Target;
  /** ISO, UTC. */
  readonly at: string;
  readonly lapsed: Concerns['lapsed'];
}

/** How the record says that an acceptance has lapsed. */
export const LAPSED = 'lapsed';

/**
 * What this incident says of acceptances that no longer hold, by the fingerprint of the change. The
 * first incident in which such a change stands says it and puts it on record; no later one does. Read
 * workers run this, so the acceptance itself stays where it is.
 */
export async function sayLapsed(deps: Dependencies, { incident, target, at, lapsed }: Lapsing): Promise<ReadonlyMap<string, string>> {
  const says = new Map<string, string>();
  if (lapsed.length === 0) return says;
  const saidBy = await saidBefore(deps, incident);
  const keyed = lapsed.map(({ change, judged }) => ({ change, judged, of: hashJson(exceptionKey(judged.exception)), text: lapsedText(judged) }));
  const fresh = keyed.filter(({ of }) => !saidBy.has(of));
  // Told first, under a key of its own: an attempt that is cut short before the record tells the same again.
  for (const text of new Set(fresh.map((each) => each.text))) await tellLapsed(deps, { target, incident, at, text, changes: fresh.filter((each) => each.text === text).map((each) => each.change) });
  for (const { change, judged, of, text } of fresh) {
    if (saidBy.has(of)) continue;
    const { exception, by } = judged;
    const { resource, path, until, reason, ticket } = exception;
    const data = { event: LAPSED, of, lapsed: by, place: fieldKey(change), resource, path, until, accepted: exception.by, ticket, reason, message: text };
    await deps.ledger.append({ at, kind: 'settled', environment: incident.environment, target: incident.target, incident: incident.number, by: 'holdfast', data });
    saidBy.set(of, incident.number);
  }
  for (const { change, of, text } of keyed) if (saidBy.get(of) === incident.number) says.set(change.fingerprint, text);
  return says;
}

async function saidBefore(deps: Dependencies, { environment, target }: IncidentId): Promise<Map<string, number>> {
  const said = new Map<string, number>();
  for await (const { incident, data } of deps.ledger.entries({ environment, target, kinds: ['settled'] })) {
    if (data['event'] === LAPSED && typeof data['of'] === 'string' && incident !== undefined) said.set(data['of'], incident);
  }
  return said;
}

interface Telling {
  readonly target: Target;
  readonly incident: IncidentId;
  readonly at: string;
  readonly text: string;
  readonly changes: Concerns['changes'];
}

/** One message for all that was accepted in the same words: an incident of a hundred changes is one. */
async function tellLapsed(deps: Dependencies, { target, incident, at, text, changes }: Telling): Promise<void> {
  const name = formatIncident(incident);
  await tellAbout(deps, target, {
    event: 'lapsed',
    subject: name,
    at,
    title: `${name}: an acceptance ${text.includes(' has lapsed') ? 'has lapsed' : 'does not hold'}: ${changesInBrief(changes)}`,
    text: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    commands: [`holdfast incident ${name}`],
    key: `lapsed-${hashJson(text)}`,
  });
}
