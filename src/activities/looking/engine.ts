import { formatAddress } from '../../domain/address.js';
import { compareBusy, ENGINE, resourcesOf } from '../../domain/gates/busy.js';
import type { Busy } from '../../domain/gates/facts.js';
import type { Change } from '../../domain/change.js';
import type { Target } from '../../domain/target.js';
import type { ReadContext } from '../../providers/provider.js';
import { providerOf, type Dependencies } from '../deps.js';

/**
 * Asks the engine what it is doing with these resources itself, and remembers it: steps that do not
 * reach the engine know it by that, and a check looks at what is remembered again. Returns also
 * whether something is over that was remembered.
 */
export async function askEngine(deps: Dependencies, target: Target, changes: readonly Pick<Change, 'resource'>[], ctx: ReadContext): Promise<{ readonly busy: readonly Busy[]; readonly isOver: boolean }> {
  const provider = providerOf(deps, target);
  if (provider.busy === undefined) return { busy: [], isOver: false };
  const busy = await provider.busy(target, resourcesOf(changes), ctx);
  return { busy, isOver: await remember(deps, target, busy, resourcesOf(changes)) };
}

/** Whether the engine was found at work at an earlier look, so that a later one should ask again. */
export async function wasBusy(deps: Dependencies, target: Target): Promise<boolean> {
  if (providerOf(deps, target).busy === undefined) return false;
  const rows = await deps.ledger.closedGates(target, deps.now().toISOString());
  return rows.some((row) => row.gate === 'busy' && row.path === ENGINE);
}

async function remember(deps: Dependencies, target: Target, busy: readonly Busy[], asked: readonly string[]): Promise<boolean> {
  const at = deps.now().toISOString();
  const scope = formatAddress(target);
  const rows = (await deps.ledger.closedGates(target, at)).filter((row) => row.gate === 'busy');
  // What was not asked about is not known to be over.
  const known = rows.filter((row) => row.resource === undefined || asked.includes(row.resource));
  const { begun, over } = compareBusy(known, busy);
  for (const { resource, reason, until } of begun) {
    await deps.ledger.closeGate({ scope, gate: 'busy', by: target.provider, at, path: ENGINE, reason, ...(resource === undefined ? {} : { resource }), ...(until === undefined ? {} : { until }) });
  }
  let isOver = false;
  for (const row of over) isOver = (await deps.ledger.liftGate({ ...row, at }, { at, by: target.provider, reason: 'the engine is done' })) || isOver;
  return isOver;
}
