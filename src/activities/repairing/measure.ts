import { fieldKey, type Observation } from '../../domain/change.js';
import { changesInBrief } from '../../domain/describe.js';
import { HoldfastError } from '../../domain/errors.js';
import type { HealthCheck, HealthReport } from '../../domain/health.js';
import type { Plan } from '../../domain/plan.js';
import type { ReadContext } from '../../providers/provider.js';
import { recordEnd } from '../incidents/close.js';
import { inStep, probeFor } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { expectOwnStep, stagedOnRecord, storedPlan } from './guard.js';
import { letGo, repairHeld } from '../gates/let-through.js';
import { lookUntil } from './look-until.js';
import { observeTarget } from '../looking/observe.js';
import { heard, note, tellCheck } from './noting.js';
import type { PartRef, ReadActivities, VerifyResult } from '../types.js';

/** The steps that prove: health of the shadow before the switch, health and another look after it. */
export function measureActivities(deps: Dependencies): Pick<ReadActivities, 'validate' | 'verify'> {
  return {
    validate: (input) => inStep(deps, async (ctx) => {
      expectOwnStep(input.incident);
      const staged = await stagedOnRecord(deps, input);
      await deps.ledger.updateIncident(input.incident, { part: { part: input.part, phase: 'validating' } });
      const report = await measure(deps, staged?.shadow?.health ?? [], ctx);
      await note(deps, input, 'validated', { of: 'shadow', verdict: report.verdict, checks: report.checks.map(briefly) });
      return report;
    }),

    verify: (input) => inStep(deps, async (ctx): Promise<VerifyResult> => {
      expectOwnStep(input.incident);
      const { target } = await configured(deps, input.incident);
      if (input.end !== undefined && (await isClosed(deps, input.incident))) {
        // An earlier attempt recorded the end: what is on record stands, whatever is seen now.
        await recordEnd(deps, input.end, ctx);
        return { result: 'healthy', message: 'the end is on record', ended: true };
      }
      const plan = await storedPlan(deps, input.plan);
      await deps.ledger.updateIncident(input.incident, { part: { part: input.part, phase: input.final ? 'soaking' : 'verifying' } });
      const report = await measure(deps, target.health, ctx);
      const { left, observation } = await leftOver(deps, input, plan, ctx);
      const result = resultOf(report, left, input.final);
      await note(deps, input, 'validated', { of: input.final ? 'soak' : 'switch', verdict: report.verdict, left: left.length, checks: report.checks.map(briefly) });
      await tellCheck(deps, input, observation);
      if (result.result === 'healthy' && input.final) await repairHeld(deps, input);
      if (result.result === 'moved') await letGo(deps, input);
      if (result.result === 'healthy') await deps.ledger.updateIncident(input.incident, { part: { part: input.part, phase: input.final ? 'closed' : 'soaking' } });
      if (input.end === undefined || result.result !== 'healthy') return heard(deps, input, result);
      const { end } = input;
      await recordEnd(deps, { ...end, parts: end.parts.map((part) => (part.part === input.part ? { ...part, reason: result.message } : part)) }, ctx);
      return { ...result, ended: true };
    }),
  };
}

async function isClosed(deps: Dependencies, incident: PartRef['incident']): Promise<boolean> {
  return (await deps.ledger.incident(incident, incident.number))?.closedAt !== undefined;
}

async function measure(deps: Dependencies, checks: readonly HealthCheck[], ctx: ReadContext): Promise<HealthReport> {
  if (checks.length === 0) return { verdict: 'healthy', checks: [] };
  const report = await probeFor(deps, checks, ctx);
  // Who is asked too often says nothing about health: the step is tried again when it may ask.
  const throttled = report.checks.find((check) => check.retryAfterMs !== undefined);
  if (throttled !== undefined && report.verdict !== 'unhealthy') throw new HoldfastError('Throttled', `health check ${throttled.name}: ${throttled.message}`, { retryAfterMs: throttled.retryAfterMs ?? 0 });
  return report;
}

/** What of the plan's fields is still, or again, not as desired. */
async function leftOver(deps: Dependencies, ref: PartRef, plan: Plan, ctx: ReadContext): Promise<{ readonly left: Observation['changes']; readonly observation: Observation }> {
  const { target } = await configured(deps, ref.incident);
  const fields = new Set(plan.changes.map(fieldKey));
  const leftIn = ({ changes }: Observation): Observation['changes'] => changes.filter((change) => fields.has(fieldKey(change)));
  const observation = await lookUntil(() => observeTarget(deps, target, ctx), (seen) => leftIn(seen).length === 0);
  if (observation.verdict === 'unknown') throw new HoldfastError('Unreachable', `the target cannot be read after the switch: ${observation.reason ?? ''}`);
  return { left: leftIn(observation), observation };
}

function resultOf(report: HealthReport, left: Observation['changes'], final: boolean): VerifyResult {
  const bad = report.checks.find((check) => check.verdict !== 'healthy');
  if (report.verdict !== 'healthy') return { result: 'unhealthy', message: `after the switch it is ${report.verdict}: ${bad?.name ?? ''} ${bad?.message ?? ''}`.trim() };
  if (left.length > 0) return { result: 'moved', message: `something put it back after the switch: ${changesInBrief(left)}` };
  const measured = report.checks.length === 0 ? 'no health check is set' : `${report.checks.length} health ${report.checks.length === 1 ? 'check' : 'checks'} passed`;
  return { result: 'healthy', message: `${final ? 'after the soak ' : ''}a read equals the desired state and ${measured}` };
}

function briefly(check: HealthReport['checks'][number]): { name: string; verdict: string; message: string; successes: number; failures: number; slowestMs: number } {
  const { name, verdict, message, successes, failures, slowestMs } = check;
  return { name, verdict, message, successes, failures, slowestMs };
}
