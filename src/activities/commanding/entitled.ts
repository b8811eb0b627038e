import { parseAddress } from '../../domain/address.js';
import type { CommandMessage } from '../../domain/message.js';
import { causerOf, NOBODY, principalOf } from '../../domain/approving/people.js';
import { isAsked, requiredText, whoMay } from '../../domain/approving/quorum.js';
import type { Target } from '../../domain/target.js';
import { mustSign, type Config } from '../../config/config.js';
import type { CommandAnswer } from '../../workflows/messages.js';
import { no, notAllowed } from './answers.js';
import type { Dependencies } from '../deps.js';
import { storedPlan } from '../repairing/guard.js';
import { namedPoll, pollOf } from '../approving/poll.js';
import { mayAskAgain } from './rule-asked.js';

interface Undoing {
  readonly config: Config;
  readonly target: Target;
  readonly by: string;
  readonly plan: string;
  readonly ask: unknown;
}

/** An undo writes, and brings the drift back: it takes one of those who are asked about the repair, and nobody who caused what was repaired. */
export async function mayUndo(deps: Dependencies, { config, target, by, plan: hash, ask: id }: Undoing): Promise<CommandAnswer | undefined> {
  const ask = typeof id === 'string' ? await deps.ledger.askOf(id) : undefined;
  if (ask === undefined) return no('the question about the repair is not on record, so nobody can say who may undo it');
  const plan = await storedPlan(deps, hash);
  const poll = await pollOf(deps, { config, target, plan, ask });
  const person = principalOf(poll.people, by);
  const caused = [...(ask.causedBy ?? []), ...plan.changes.flatMap((change) => change.by ?? [])].some((name) => causerOf(poll.people, name) === person);
  if (caused) return notAllowed(`${person} caused what was repaired and cannot bring it back; somebody else must`);
  return isAsked(poll, person) ? undefined : notAllowed(`${person} is not among those who may undo this: ${requiredText(poll)}; ${whoMay(poll)}`);
}

/** Who may accept is who may decide: nobody keeps drift quiet from outside whose word in an incident would be refused. */
export function mayAccept(config: Config, { scope, by }: CommandMessage): CommandAnswer | undefined {
  return decidesIn(config, parseAddress(scope)?.environment ?? scope, by);
}

/**
 * Where names are proved, who may let repairs go on is who may decide about them; and whoever alone
 * stopped them, as a pipeline does that has a key and is in no group. Where names are taken as given,
 * to ask for one would stop nobody.
 */
export async function mayResume(deps: Dependencies, config: Config, message: CommandMessage, at: string): Promise<CommandAnswer | undefined> {
  const { command, scope, by } = message;
  const concerned = scope === '*' ? config.environments.map((each) => each.name) : [parseAddress(scope)?.environment ?? scope];
  for (const environment of concerned.filter((each) => mustSign(config, each))) {
    const refusal = decidesIn(config, environment, by);
    if (refusal !== undefined) return command === 'unfreeze' && (await stoppedAlone(deps, config, message, at)) ? undefined : refusal;
  }
  return mustSign(config, concerned[0] ?? scope) ? mayAskAgain(deps, config, message, at) : undefined;
}

function decidesIn(config: Config, environment: string, by: string): CommandAnswer | undefined {
  const poll = namedPoll(config, environment);
  const person = principalOf(config.people ?? NOBODY, by);
  if (poll === undefined || isAsked(poll, person)) return undefined;
  return notAllowed(`${person} is not among those who decide here: ${requiredText(poll)}; ${whoMay(poll)}`);
}

/**
 * Whether all that holds there was signed by the same person. Read from the record, since a freeze that
 * lasts longer takes the place of the one before it: whoever sends one has not made that one their own.
 */
async function stoppedAlone({ ledger }: Dependencies, { people = NOBODY }: Config, { scope, by }: CommandMessage, at: string): Promise<boolean> {
  const person = principalOf(people, by);
  const { environment, target } = parseAddress(scope) ?? {};
  const others = new Set<string>();
  for await (const entry of ledger.entries({ ...(environment === undefined ? {} : { environment }), ...(target === undefined ? {} : { target }), kinds: ['gate'] })) {
    const { gate, event, until } = entry.data;
    if ((gate !== 'freeze' && gate !== 'busy') || entry.data['scope'] !== scope) continue;
    if (event === 'opened') others.delete(gate);
    else if (principalOf(people, entry.by ?? '') !== person && (typeof until !== 'string' || until > at)) others.add(gate);
  }
  return others.size === 0;
}
