import { closedOf, type ClosedAnswer, type GateAnswer, type GateName } from './gate.js';

/** How long a staged repair is kept while a gate is closed before its switch; then it is unstaged. */
export const STAGE_KEPT_MS = 30 * 60_000;

/** Gates that open by time, or by an event that may come soon. A freeze, and what a person must release, keep nothing in store. */
const BY_TIME: readonly GateName[] = ['window', 'budget', 'settling', 'breaker', 'busy', 'after'];
const BY_EVENT: readonly GateName[] = ['breaker', 'busy', 'after'];

/**
 * Until when what was staged is kept for these closed gates (ISO, UTC); `undefined` when it is unstaged
 * at once: a gate that may not open by then, or the time is over. `stagedAt`: ISO, UTC.
 */
export function keptUntil(gate: GateAnswer, { at, stagedAt }: { readonly at: string; readonly stagedAt: string }): string | undefined {
  if (gate.allowed) return undefined;
  const until = new Date(Date.parse(stagedAt) + STAGE_KEPT_MS).toISOString();
  return at < until && closedOf(gate).every((each) => opensBy(each, until)) ? until : undefined;
}

function opensBy({ gate, opensAt }: ClosedAnswer, until: string): boolean {
  return opensAt === undefined ? BY_EVENT.includes(gate) : BY_TIME.includes(gate) && opensAt <= until;
}
