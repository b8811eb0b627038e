import { environmentOf, mustSign } from '../../config/config.js';
import { formatIncident } from '../../domain/address.js';
import { toldOf } from '../../domain/approving/quorum.js';
import { inStep } from '../context.js';
import { configured, type Dependencies } from '../deps.js';
import { expectOwnStep, storedPlan } from '../repairing/guard.js';
import { pollOf } from './poll.js';
import { partNotice } from '../telling.js';
import type { ControlActivities, EscalateInput } from '../types.js';

/** Tells people again of what nobody has answered, and widens who may: on record, where the judge and the write worker look. */
export function unansweredActivities(deps: Dependencies): Pick<ControlActivities, 'remind' | 'escalate'> {
  return {
    remind: ({ incident, part, plan: hash, ordinal, ask: id }) => inStep(deps, async () => {
      expectOwnStep(incident);
      const { config, target } = await configured(deps, incident);
      const plan = await storedPlan(deps, hash);
      const ask = id === undefined ? undefined : await deps.ledger.askOf(id);
      const told = ask === undefined ? {} : toldOf(await pollOf(deps, { config, target, plan, ask }));
      const signs = mustSign(config, incident.environment) ? { signing: {} } : {};
      const notice = partNotice({ incident, target, plan, risk: 'unchanged', reason: 'nobody has answered yet', at: deps.now().toISOString(), ...told, ...signs }, 'approval-reminder');
      await deps.tell(notice, `remind-${part}-${ordinal}-${hash}`);
    }),

    escalate: (input) => inStep(deps, async () => {
      expectOwnStep(input.incident);
      const { incident, part, plan: hash, ask: id, step, to } = input;
      const { config, target } = await configured(deps, incident);
      const ask = await deps.ledger.askOf(id);
      const taken = environmentOf(config, incident.environment)?.approvals.escalate?.find((each) => each.to === to);
      // Somebody took that step out of the configuration while it waited.
      if (ask === undefined || taken === undefined) return {};
      const at = deps.now().toISOString();
      if (isEarly(taken, { askedAt: ask.at, at })) {
        await deps.ledger.append({ at, kind: 'refused', environment: incident.environment, target: incident.target, incident: incident.number, data: { reason: `escalation to ${to}: it was asked at ${ask.at}, and ${to} may approve only later`, incident: formatIncident(incident) } });
        return {};
      }
      await record(deps, input, at);
      const plan = await storedPlan(deps, hash);
      const told = toldOf(await pollOf(deps, { config, target, plan, ask }));
      await deps.ledger.updateIncident(incident, { part: { part, phase: 'awaiting-approval', ...told } });
      const signs = mustSign(config, incident.environment) ? { signing: {} } : {};
      const notice = partNotice({ incident, target, plan, risk: 'unchanged', reason: `nobody has answered in time; ${to} may approve it too from now on`, at, ...told, ...signs }, 'approval-escalated');
      await deps.tell(notice, `escalate-${part}-${step}-${id}`);
      return told;
    }),
  };
}

/** How far the clocks of two workers may lie apart. */
const APART_MS = 5 * 60_000;

/** The time of a question never runs faster than a clock: a workflow that somebody started by hand makes nobody an approver before it. */
function isEarly({ afterMs }: { readonly afterMs: number }, { askedAt, at }: { readonly askedAt: string; readonly at: string }): boolean {
  return Date.parse(at) - Date.parse(askedAt) < afterMs - Math.min(APART_MS, afterMs / 2);
}

/** Once for each step of a question, however often the step is run. */
async function record(deps: Dependencies, { incident, part, plan, ask, step, to }: EscalateInput, at: string): Promise<void> {
  const { environment, target, number } = incident;
  for await (const { data } of deps.ledger.entries({ environment, target, incident: number, kinds: ['escalated'] })) {
    if (data['ask'] === ask && data['step'] === step) return;
  }
  await deps.ledger.append({ at, kind: 'escalated', environment, target, incident: number, by: 'holdfast', data: { ask, part, plan, step, to } });
}
