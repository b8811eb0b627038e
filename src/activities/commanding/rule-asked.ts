import { environmentOf, targetOf, trustOf, type Config } from '../../config/config.js';
import { parseAddress, type IncidentId } from '../../domain/address.js';
import { NOBODY, principalOf } from '../../domain/approving/people.js';
import { isAsked, requiredText, whoMay, type Poll, type Requirement } from '../../domain/approving/quorum.js';
import type { JsonObject } from '../../domain/json.js';
import type { CommandMessage } from '../../domain/message.js';
import type { Target } from '../../domain/target.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { requirementsOf } from '../../policy/approving.js';
import { factsOf } from '../../policy/assess.js';
import { decisionInputs } from '../../policy/inputs.js';
import type { CommandAnswer } from '../../workflows/messages.js';
import { asksOf } from '../deciding/unplanned.js';
import type { Dependencies } from '../deps.js';
import { readablePlan } from '../repairing/guard.js';
import { notAllowed } from './answers.js';

/**
 * What asks again about particular changes takes one of those whom rules ask about them, beside whom the
 * environment names: whoever could not approve a change lets nobody be asked about it again either.
 */
export async function mayAskAgain(deps: Dependencies, config: Config, message: CommandMessage, at: string): Promise<CommandAnswer | undefined> {
  const people = config.people ?? NOBODY;
  const person = principalOf(people, message.by);
  for (const id of await askedAgain(deps, message, at)) {
    const row = await deps.ledger.incident(id, id.number);
    const target = targetOf(config, id.environment, id.target);
    if (row === undefined || target === undefined) continue;
    const asked = await Promise.all(row.parts.map((part) => askedOf(deps, { config, target, row, part, at })));
    const escalatedTo = (environmentOf(config, id.environment)?.approvals.escalate ?? []).map((step) => step.to);
    for (const requirements of asked) {
      const poll: Poll = { people, requirements, excluded: [], escalatedTo, votes: [] };
      if (!isAsked(poll, person)) return notAllowed(`${person} is not among those whom rules ask about this: ${requiredText(poll)} (${requirements.map((each) => each.because).join('; ')}); ${whoMay(poll)}`);
    }
  }
  return undefined;
}

/** The incidents whose changes this lets be asked about again. */
async function askedAgain({ ledger }: Dependencies, { command, scope, incident, gate }: CommandMessage, at: string): Promise<readonly IncidentId[]> {
  const address = parseAddress(scope);
  if (command === 'retry' && address?.target !== undefined && incident !== undefined) return [{ environment: address.environment, target: address.target, number: incident }];
  if (command !== 'release' || gate !== 'quarantine') return [];
  const rows = (await ledger.allClosedGates(at)).filter((row) => row.gate === 'quarantine' && (row.scope === scope || row.scope.startsWith(`${scope}/`)));
  const ids = rows.flatMap((row): readonly IncidentId[] => {
    const { environment, target } = parseAddress(row.scope) ?? {};
    return environment === undefined || target === undefined || row.incident === undefined ? [] : [{ environment, target, number: row.incident }];
  });
  return [...new Map(ids.map((id) => [`${id.environment}/${id.target}#${id.number}`, id])).values()];
}

interface Asking {
  readonly config: Config;
  readonly target: Target;
  readonly row: IncidentRow;
  readonly part: JsonObject;
  readonly at: string;
}

/** Whom rules ask about a part, by its plan as they say now; of one without a plan, as they said when it was decided. */
async function askedOf(deps: Dependencies, { config, target, row, part, at }: Asking): Promise<readonly Requirement[]> {
  const plan = typeof part['plan'] === 'string' ? await readablePlan(deps, part['plan']) : undefined;
  if (plan === undefined) return asksOf(row, Number(part['part']));
  const inputs = await decisionInputs({ config, target, changes: plan.changes, at, ledger: deps.ledger, baseline: 'healthy' });
  return requirementsOf({ inputs, plan: factsOf(plan, plan.changes), decide: deps.decide(config), trust: trustOf(config, target.environment) });
}
