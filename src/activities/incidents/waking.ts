import { parseAddress } from '../../domain/address.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { INCIDENT_SIGNALS, incidentWorkflowId } from '../../workflows/messages.js';
import type { Dependencies } from '../deps.js';
import { isGone } from './gone.js';
import { inLanes } from '../lanes.js';
import type { CommandDone } from '../types.js';

const WOKEN_AT_ONCE = 20;
/** As gRPC numbers it. */
const INVALID_ARGUMENT = 3;
/** A person waits for the answer to a freeze: more than so many are told after it. */
const WOKEN_BEFORE_ANSWER = 50;

/** The open incidents of a scope: `prod`, `prod/storefront` or `*`. */
export function openIn({ ledger }: Pick<Dependencies, 'ledger'>, scope: string): Promise<readonly IncidentRow[]> {
  const address = scope === '*' ? {} : parseAddress(scope) ?? {};
  return ledger.incidents({ ...address, open: true });
}

/**
 * Tells incidents to ask their gates again; one whose run has ended, or that takes no signal any more,
 * hears nothing. Whoever waits for an event has no timer: what did not get through is thrown once all
 * others were told, so that the step tells again.
 */
export async function wakeAll({ client }: Pick<Dependencies, 'client'>, open: readonly Pick<IncidentRow, 'environment' | 'target'>[]): Promise<void> {
  const failed: unknown[] = [];
  await inLanes(open, WOKEN_AT_ONCE, async (row) => {
    const handle = client.workflow.getHandle(incidentWorkflowId(row.environment, row.target));
    await handle.signal(INCIDENT_SIGNALS.gates, {}).catch((error: unknown) => { if (!isGone(error) && !isFull(error)) failed.push(error); });
  });
  if (failed.length > 0) throw failed[0];
}

/** So many signals that the server takes no more for this run: to try again would not help. */
function isFull(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === INVALID_ARGUMENT;
}

/** Tells the open incidents in the scope to ask their gates again; where they are many, says that it is left to do. */
export async function stir(deps: Dependencies, scope: string): Promise<Pick<CommandDone, 'wake'>> {
  const open = await openIn(deps, scope);
  if (open.length > WOKEN_BEFORE_ANSWER) return { wake: scope };
  await wakeAll(deps, open);
  return {};
}
