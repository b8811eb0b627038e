import { environmentOf } from '../../config/config.js';
import type { GateAnswer } from '../../domain/gates/gate.js';
import { keptUntil } from '../../domain/gates/keeping.js';
import type { DecisionRow } from '../../ledger/ledger.js';
import { brokenFor } from '../approving/break-glass.js';
import { inStep } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { gatesOf, storedPlan } from '../repairing/guard.js';
import { type Staging, stagingOf } from '../repairing/staging.js';
import type { AskingAgain, ControlActivities, GatesResult } from '../types.js';
import { holderOf, unspent } from './let-through.js';

/** Asks the gates of a part that waits, or that is kept staged, and how long its question goes on. */
export function gateActivities(deps: Dependencies): Pick<ControlActivities, 'askGates'> {
  return {
    askGates: (ref) => inStep(deps, async () => {
      const { config, target } = await configured(deps, ref.incident);
      const plan = await storedPlan(deps, ref.plan);
      const decision = await deps.ledger.decisionOf(ref.ask);
      const staging: Staging = ref.kept === undefined ? {} : await stagingOf(deps, ref);
      const breakGlass = await brokenFor(deps, { config, target, plan, decision, at: staging.begunAt ?? deps.now().toISOString() });
      const gate: GateAnswer = await gatesOf(deps, { plan, automatic: decision?.decision === 'policy' && breakGlass === undefined, ...(mayBegin(decision) ? { holder: holderOf(ref) } : {}), ...(breakGlass === undefined ? {} : { breakGlass }) }, ref.kept === undefined ? { action: 'stage' } : { action: 'finalize', ...staging });
      // Looked at after a place was taken, as whoever ends a part notes that before it gives its place back: one of them sees the other.
      if (gate.allowed && mayBegin(decision) && (await hasEnded(deps, ref))) await unspent(deps, ref);
      const keepUntil = staging.stagedAt === undefined ? undefined : keptUntil(gate, { at: deps.now().toISOString(), stagedAt: staging.stagedAt });
      if (keepUntil !== undefined) return { gate, keepUntil };
      const expiresMs = environmentOf(config, ref.incident.environment)?.approvals.expiresMs;
      const now = deps.now().getTime();
      if (!gate.allowed) return { gate, ...leftOf(ref, now) };
      return expiresMs === undefined ? { gate } : { gate, expiresAt: new Date(now + (ref.leftMs ?? expiresMs)).toISOString() };
    }),
  };
}

/** The time of a question stands still while a gate is closed, and goes on afterwards. */
function leftOf({ expiresAt, leftMs }: AskingAgain, now: number): Pick<GatesResult, 'leftMs'> {
  if (expiresAt !== undefined) return { leftMs: Math.max(0, Date.parse(expiresAt) - now) };
  return leftMs === undefined ? {} : { leftMs };
}

/** Only what nobody is asked about any more takes a place that others wait for. */
function mayBegin(decision: DecisionRow | undefined): boolean {
  return decision?.decision === 'policy' || decision?.decision === 'approve';
}

/** By the record: a person has stopped it, or a look found that it stands no more, while its gates were asked. */
async function hasEnded({ ledger }: Dependencies, { incident, part }: Pick<AskingAgain, 'incident' | 'part'>): Promise<boolean> {
  return (await ledger.incident(incident, incident.number))?.parts.some((each) => each['part'] === part && each['phase'] === 'closed') === true;
}
