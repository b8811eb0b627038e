import { parseAddress } from '../../domain/address.js';
import { isHoldfastError, refused } from '../../domain/errors.js';
import { inUtc } from '../../domain/instant.js';
import type { CommandMessage } from '../../domain/message.js';
import { mustSignCommand, targetOf, type Config } from '../../config/config.js';
import { startEnvironment } from '../../client.js';
import type { CommandAnswer } from '../../workflows/messages.js';
import { no, yes } from './answers.js';
import { inStep } from '../context.js';
import type { Dependencies } from '../deps.js';
import { endedBefore, forgottenBefore } from './done-before.js';
import { freeze, unfreeze, workOn } from './freeze.js';
import { mayAccept, mayResume, mayUndo } from './entitled.js';
import { expectGuard } from '../repairing/guard.js';
import { release } from './release.js';
import { refuseUnsigned } from './signed-command.js';
import { startIncident } from '../incidents/start.js';
import { isUndoable } from '../repairing/tidy.js';
import { openIn, wakeAll } from '../incidents/waking.js';
import type { CommandDone, CommandInput, ControlActivities } from '../types.js';

/** Carries out what a person says to an environment, and wakes the incidents that it concerns. */
export function commandActivities(deps: Dependencies): Pick<ControlActivities, 'command' | 'startGuard' | 'wakeIncidents'> {
  return {
    startGuard: ({ environment }) => inStep(deps, () => startEnvironment(deps.client, environment)),
    wakeIncidents: ({ environment, scope = environment }) => inStep(deps, async () => {
      expectGuard(environment);
      await wakeAll(deps, await openIn(deps, scope));
    }),
    command: (input) => inStep(deps, async () => {
      expectGuard(input.environment);
      const config = await deps.config();
      try {
        checkScope(config, input);
        const refusal = await refuseUnsigned(deps, config, input);
        return refusal ?? (await carryOut(deps, config, { ...input, message: asProved(config, input) }));
      } catch (error) {
        if (isHoldfastError(error) && !error.retryable) return { ok: false, message: error.message };
        throw error;
      }
    }),
  };
}

function checkScope(config: Config, { environment, message }: CommandInput): void {
  if (message.scope === '*') {
    if (message.command === 'freeze' || message.command === 'unfreeze') return;
    throw refused(`${message.command} needs an environment or a target, not everything`);
  }
  const address = parseAddress(message.scope);
  if (address === undefined) throw refused(`"${message.scope}" is neither an environment nor environment/target`);
  if (address.environment !== environment) throw refused(`${message.scope} is not of ${environment}; send it to environment/${address.environment}`);
  if (address.target !== undefined && targetOf(config, environment, address.target) === undefined) throw refused(`${message.scope} is not in the configuration`);
}

/** Where names are proved, one that nobody signed is told as what it is: whoever stops a repair in the name of somebody else is found out. */
function asProved(config: Config, { environment, message }: CommandInput): CommandMessage {
  return message.signature !== undefined || !mustSignCommand(config, environment, message.scope) ? message : { ...message, by: `${message.by} (unverified)` };
}

async function carryOut(deps: Dependencies, config: Config, { message }: CommandInput): Promise<CommandDone> {
  const at = deps.now().toISOString();
  switch (message.command) {
    case 'freeze':
      return message.gate === 'busy' ? workOn(deps, message, at) : freeze(deps, message, at);
    case 'unfreeze':
      return (await mayResume(deps, config, message, at)) ?? (await unfreeze(deps, message, at));
    case 'release':
      return (await mayResume(deps, config, message, at)) ?? (await release(deps, message, at));
    case 'retry':
      return (await mayResume(deps, config, message, at)) ?? (await retry(deps, message, at));
    case 'undo':
      return undo(deps, config, message, at);
    case 'accept':
      return mayAccept(config, message) ?? (await announce(deps, message, at));
  }
}

async function retry(deps: Dependencies, message: CommandMessage, at: string): Promise<CommandAnswer> {
  const { scope, incident = 0, by, reason } = message;
  const address = addressOf(scope);
  const row = await deps.ledger.incident(address, incident);
  if (row === undefined) return no(`${scope}#${incident} is not in the record`);
  if (row.closedAt === undefined) return no(`${scope}#${incident} is still open; decide it, or cancel it first`);
  const quarantined = (await deps.ledger.closedGates(address, at)).filter((gate) => gate.gate === 'quarantine' && gate.incident === incident);
  if (quarantined.length > 0 && message.gate !== 'quarantine') return no(`its changes are quarantined since it was rolled back; first: holdfast release ${scope} --gate quarantine --reason WHY`);
  const forgotten = (await forgottenBefore(deps, message, incident)) + (await deps.ledger.unsettle(address, { incident }, { at, by, reason }));
  await deps.ledger.append({ at, kind: 'decided', environment: address.environment, target: address.target, incident, by, data: { decision: 'retry', reason, changes: forgotten } });
  return forgotten === 0 ? no(`${scope}#${incident} left nothing that is kept quiet; the next check asks about what it sees`) : yes(`${forgotten} ${forgotten === 1 ? 'change is' : 'changes are'} asked about again at the next check`);
}

async function undo(deps: Dependencies, config: Config, message: CommandMessage, at: string): Promise<CommandAnswer> {
  const { scope, incident = 0, by, reason } = message;
  const address = addressOf(scope);
  const target = targetOf(config, address.environment, address.target);
  const row = await deps.ledger.incident(address, incident);
  if (row === undefined || target === undefined) return no(`${scope}#${incident} is not in the record`);
  if (row.outcome !== 'fixed') return no(`${scope}#${incident} is ${row.outcome ?? 'open'}; only a fixed incident can be undone`);
  // Asked for again, by a person without an answer or by an attempt after one that was cut short: its snapshot is used up.
  const before = (await deps.ledger.incidents({ ...address, outcome: 'rolled-back' })).find((each) => each.undoes === incident);
  if (before !== undefined) return yes(`${scope}#${before.number} has put back already what was live before ${scope}#${incident}`);
  const part = row.parts.find((each) => each['outcome'] === 'fixed');
  const plan = part?.['plan'];
  if (part === undefined || typeof plan !== 'string') return no(`${scope}#${incident} has no repair on record`);
  const refusal = await mayUndo(deps, { config, target, by, plan, ask: part['ask'] });
  if (refusal !== undefined) return refusal;
  if (!(await isUndoable(deps, { ...address, number: incident }, Number(part['part'])))) return no(`the snapshot of ${scope}#${incident} is not kept any more, so it cannot be undone`);
  const { row: opened, opened: fresh } = await deps.ledger.openIncident({ address, at, drift: 'undo', kind: 'undo', undoes: incident });
  if (!fresh && opened.undoes !== incident) return no(`${scope}#${opened.number} is open; decide it first`);
  await deps.ledger.append({ at, kind: 'decided', environment: address.environment, target: address.target, incident: opened.number, by, data: { decision: 'undo', reason, undoes: incident } });
  await startIncident(deps, target, opened, { number: incident, part: Number(part['part']), plan, by, reason });
  return yes(`${scope}#${opened.number} puts back what was live before ${scope}#${incident}`);
}

async function announce(deps: Dependencies, message: CommandMessage, at: string): Promise<CommandAnswer> {
  const { scope, resource = '', path, until = '', by, reason, ticket } = message;
  if (message.end === true) return endAcceptances(deps, message, at);
  const ends = inUtc(until);
  if (ends === undefined || ends <= at) return no(`"until" must lie in the future; ${until} does not`);
  const address = addressOf(scope);
  await deps.ledger.accept({ ...address, resource, until: ends, by, reason, at, ...(path === undefined ? {} : { path }), ...(ticket === undefined ? {} : { ticket }) });
  return yes(`changes of ${resource}${path === undefined ? '' : ` ${path}`} in ${scope} are left alone until ${ends}`);
}

async function endAcceptances(deps: Dependencies, message: CommandMessage, at: string): Promise<CommandAnswer> {
  const { scope, resource, path, incident, by, reason } = message;
  const filter = { ...(resource === undefined ? {} : { resource }), ...(path === undefined ? {} : { path }), ...(incident === undefined ? {} : { incident }) };
  const what = incident === undefined ? `${resource ?? ''}${path === undefined ? '' : ` ${path}`} in ${scope}` : `${scope}#${incident}`;
  const before = await endedBefore(deps, message);
  const ended = await deps.ledger.endAcceptances(addressOf(scope), filter, { at, by, reason });
  const count = before + ended.length;
  if (count === 0) return no(`no acceptance of ${what} is on record; list them with: holdfast accept ${scope} --list`);
  return yes(`${count} ${count === 1 ? 'acceptance' : 'acceptances'} of ${what} ended: the next check decides about what it sees`);
}

function addressOf(scope: string): { environment: string; target: string } {
  const address = parseAddress(scope);
  if (address?.target === undefined) throw refused(`"${scope}" names no target; write environment/target`);
  return { environment: address.environment, target: address.target };
}
