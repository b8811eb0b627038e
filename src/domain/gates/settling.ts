import { OPEN, type GateAnswer } from './gate.js';
import type { Asking, GateFacts } from './facts.js';
import { durationText } from '../plain-text.js';

/** Held until every change has been there for the time of `settle`: what comes and goes is not repaired. */
export function settlingGate({ at, settling }: GateFacts, { changes }: Asking): GateAnswer {
  if (settling === undefined || settling.settleMs === 0 || changes.length === 0) return OPEN;
  const seen = changes.map(({ fingerprint }) => settling.firstSeen[fingerprint]);
  const duration = durationText(settling.settleMs);
  if (seen.includes(undefined)) {
    return { allowed: false, gate: 'settling', reason: `settling: a change that no check has seen yet must be there for ${duration}, from the check that sees it` };
  }
  const opens = Math.max(...seen.map((each) => Date.parse(each ?? at) + settling.settleMs));
  if (opens <= Date.parse(at)) return OPEN;
  const opensAt = new Date(opens).toISOString();
  return { allowed: false, gate: 'settling', reason: `settling: a change must have been there for ${duration}, which is at ${opensAt}`, opensAt };
}
