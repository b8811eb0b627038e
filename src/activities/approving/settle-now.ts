import type { JsonObject } from '../../domain/json.js';
import type { Dependencies } from '../deps.js';
import { settledRows } from '../incidents/settling.js';
import type { Said } from './recording.js';

/**
 * What is accepted, or rejected without a plan to know it again by, holds at once while others of its
 * incident are still open: checks leave it alone until its date, and it can be listed and ended. Where
 * nothing else is open, the end of the incident settles it a moment later.
 */
export async function settleNow(deps: Dependencies, { batch, message, at }: Said, parts: readonly number[]): Promise<void> {
  const { decision, by, reason, until, ticket } = message;
  const asked = (part: number): string | undefined => batch.questions.find((each) => each.part === part)?.plan;
  const own = decision === 'accept' ? parts : decision === 'reject' ? parts.filter((part) => asked(part) === undefined) : [];
  const othersStand = batch.questions.some((each) => each.outcome === undefined && !parts.includes(each.part));
  if (own.length === 0 || !othersStand) return;
  const outcome = decision === 'accept' ? 'accepted' : 'rejected';
  const of = own.map((part) => ({ part, plan: asked(part) })).map(({ part, plan }) => (plan === undefined ? { part } : { part, plan }));
  await deps.ledger.settle(await settledRows(deps, batch.incident, {
    at, outcome, by, parts: of,
    ...(reason === undefined ? {} : { reason }), ...(until === undefined ? {} : { until }), ...(ticket === undefined ? {} : { ticket }),
  }));
  for (const part of own) await deps.ledger.updateIncident(batch.incident, { part: { part, phase: 'closed', settledAs: outcome } });
}

/** Whether a part that ended so was settled when it was decided: its end settles it no second time, nor what somebody ended since. */
export function isSettled(part: JsonObject, outcome: unknown): boolean {
  return part['settledAs'] !== undefined && part['settledAs'] === outcome;
}
