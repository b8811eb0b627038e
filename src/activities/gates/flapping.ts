import { environmentOf } from '../../config/config.js';
import { hashJson } from '../../digest.js';
import { formatAddress } from '../../domain/address.js';
import type { Change } from '../../domain/change.js';
import { FLAPPING, flappingFields, type Repair } from '../../domain/gates/flapping.js';
import type { Target } from '../../domain/target.js';
import type { Dependencies } from '../deps.js';
import { tellAbout } from '../telling.js';

/** A field that was repaired again and again has a second writer: no more repairs of it until a person releases it. */
export async function closeFlapping(deps: Dependencies, target: Target, changes: readonly Change[], at: string): Promise<void> {
  if (changes.length === 0) return;
  const limit = environmentOf(await deps.config(), target.environment)?.limits.flapping ?? FLAPPING;
  const since = new Date(Date.parse(at) - limit.withinMs).toISOString();
  const repairs = await repairsSince(deps, target, since);
  if (repairs.length < limit.repairs) return;
  const found = flappingFields(limit, { changes, repairs, now: at, releasedAt: await lastRelease(deps, target, since) });
  const closed = found.length === 0 ? [] : (await deps.ledger.closedGates(target, at)).filter((row) => row.gate === 'flapping');
  for (const { resource, path, reason } of found) {
    if (closed.some((row) => row.resource === resource && row.path === path)) continue;
    // First told: an attempt that was cut short in between finds the gate open, and is told once by its key.
    await tellFlapping(deps, target, { at, reason, key: `flapping-${hashJson({ resource, path, repaired: repairs.at(-1)?.at ?? at }).slice(0, 16)}` });
    await deps.ledger.closeGate({ scope: formatAddress(target), gate: 'flapping', by: 'holdfast', at, resource, path, reason });
  }
}

async function repairsSince(deps: Dependencies, { environment, target }: Target, since: string): Promise<readonly Repair[]> {
  const repairs = new Map<string, Repair>();
  for await (const entry of deps.ledger.entries({ environment, target, kinds: ['finalized', 'rolled-back'], since })) {
    const { fields, part, round } = entry.data;
    const staging = JSON.stringify([entry.incident ?? null, part ?? null, round ?? null]);
    // What Holdfast put back itself came back by no other hand.
    if (entry.kind === 'rolled-back') repairs.delete(staging);
    else if (Array.isArray(fields)) repairs.set(round === undefined ? String(entry.seq) : staging, { at: entry.at, fields: fields.filter((each): each is string => typeof each === 'string') });
  }
  return [...repairs.values()];
}

/** Of this target, or of its whole environment. */
async function lastRelease(deps: Dependencies, { environment, target }: Target, since: string): Promise<string | undefined> {
  let last: string | undefined;
  for await (const entry of deps.ledger.entries({ environment, kinds: ['gate'], since })) {
    const concerns = entry.target === undefined || entry.target === target;
    if (concerns && entry.data['gate'] === 'flapping' && entry.data['event'] === 'opened') last = entry.at;
  }
  return last;
}

async function tellFlapping(deps: Dependencies, target: Target, { at, reason, key }: { readonly at: string; readonly reason: string; readonly key: string }): Promise<void> {
  const address = formatAddress(target);
  await tellAbout(deps, target, {
    event: 'needs-human',
    subject: address,
    at,
    title: `${address} is flapping: no more repairs of this field`,
    text: `${reason}. Find the other writer, or make its value the desired one.`,
    commands: [`holdfast changes ${address} --since 2h`, `holdfast release ${address} --gate flapping --reason WHY`],
    key,
  });
}
