import { parseAddress } from '../../domain/address.js';
import type { GateName } from '../../domain/gates/gate.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import type { CommandMessage } from '../../domain/message.js';
import type { EntryKind } from '../../ledger/ledger.js';
import { isAgain } from '../context.js';
import type { Dependencies } from '../deps.js';

/** A command is tried again for no longer than this. */
const WITHIN_MS = 3_600_000;

type Asked = Pick<CommandMessage, 'scope' | 'by' | 'reason'>;

/**
 * What an earlier attempt of this command put on record: it was cut short before everybody had heard of
 * it, and whoever asked has no answer yet. Nothing for a first attempt.
 */
async function doneBefore(deps: Dependencies, { scope, by, reason }: Asked, kind: EntryKind): Promise<readonly JsonObject[]> {
  if (!isAgain()) return [];
  const { environment, target } = parseAddress(scope) ?? {};
  const since = new Date(deps.now().getTime() - WITHIN_MS).toISOString();
  const found: JsonObject[] = [];
  for await (const { by: who, data } of deps.ledger.entries({ ...(environment === undefined ? {} : { environment }), ...(target === undefined ? {} : { target }), kinds: [kind], since })) {
    if (who === by && data['reason'] === reason) found.push(data);
  }
  return found;
}

/** The gates of these names that it opened, by their scope: `prod`, `prod/storefront`. */
export async function openedBefore(deps: Dependencies, asked: Asked, gates: readonly GateName[]): Promise<readonly { readonly scope: string; readonly gate: GateName }[]> {
  const entries = (await doneBefore(deps, asked, 'gate')).filter((data) => data['event'] === 'opened' && data['scope'] === asked.scope);
  return entries.flatMap((data) => {
    const gate = gates.find((each) => each === data['gate']);
    if (gate === undefined) return [];
    // Whoever was let through by a breaker stands beside it, and is no breaker.
    return listIn(data, 'opened').flatMap((each) => (isJsonObject(each) && typeof each['scope'] === 'string' && (gate !== 'breaker' || 'incident' in each) ? [{ scope: each['scope'], gate }] : []));
  });
}

/** How many changes of the incident it let be asked about again. */
export async function forgottenBefore(deps: Dependencies, asked: Asked, incident: number): Promise<number> {
  return (await doneBefore(deps, asked, 'settled')).filter((data) => data['incident'] === incident).reduce((sum, data) => sum + listIn(data, 'forgotten').length, 0);
}

/** How many acceptances it ended: of this resource, at this path, or those that this incident gave. */
export async function endedBefore(deps: Dependencies, { resource, path, incident, ...asked }: Asked & Pick<CommandMessage, 'resource' | 'path' | 'incident'>): Promise<number> {
  const entries = (await doneBefore(deps, asked, 'accepted')).filter((data) => data['event'] === 'ended' && data['resource'] === resource && data['path'] === path);
  const ended = entries.flatMap((data) => listIn(data, 'ended'));
  return ended.filter((each) => incident === undefined || (isJsonObject(each) && each['incident'] === incident)).length;
}

function listIn(data: JsonObject, name: string): readonly unknown[] {
  const list = data[name];
  return Array.isArray(list) ? list : [];
}
