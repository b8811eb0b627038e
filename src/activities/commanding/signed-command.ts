import { activityInfo } from '@temporalio/activity';
import { mustSignCommand, type Config } from '../../config/config.js';
import { sha256 } from '../../digest.js';
import { NOBODY } from '../../domain/approving/people.js';
import { onlyStops } from '../../domain/approving/signed.js';
import { prove } from '../../trust/proof.js';
import { commandStatement } from '../../trust/statement.js';
import type { CommandAnswer } from '../../workflows/messages.js';
import { notAllowed } from './answers.js';
import type { Dependencies } from '../deps.js';
import type { CommandInput } from '../types.js';

/** How long a signature over a command is good, and how far the clock of whoever signs may be ahead. */
const GOOD_FOR_MS = 15 * 60_000;
const AHEAD_MS = 2 * 60_000;

/**
 * Where decisions must be signed, so must be what resumes, forgets, undoes or silences; what only stops
 * needs no key. A signature is good for a quarter of an hour and for one command: the record remembers it.
 * `undefined` when it may be carried out.
 */
export async function refuseUnsigned(deps: Dependencies, config: Config, { environment, message }: CommandInput): Promise<CommandAnswer | undefined> {
  const isNeeded = !onlyStops(message) && mustSignCommand(config, environment, message.scope);
  if (message.signature === undefined && !isNeeded) return undefined;
  const problem = await problemOf(deps, config, { environment, message });
  if (problem === undefined) return undefined;
  const [, target] = message.scope.split('/');
  await deps.ledger.append({ at: deps.now().toISOString(), kind: 'refused', environment, ...(target === undefined ? {} : { target }), by: message.by, data: { reason: `${message.command} of ${message.scope} by ${message.by}: ${problem}` } });
  return notAllowed(problem);
}

async function problemOf(deps: Dependencies, config: Config, { environment, message }: Pick<CommandInput, 'environment' | 'message'>): Promise<string | undefined> {
  const { signature, signedAt, by, command, scope, reason } = message;
  if (signature === undefined || signedAt === undefined) return `approvals.trust is signed and this ${command} carries no signature; sign it with --key on the command line`;
  const at = deps.now();
  const age = at.getTime() - Date.parse(signedAt);
  if (!(age <= GOOD_FOR_MS && age >= -AHEAD_MS)) return `it was signed at ${signedAt}, and a signature over a command is good for 15 minutes; sign it again`;
  const statement = commandStatement(config.project, message);
  const proof = prove({ signature, statement, by, at: at.toISOString(), people: config.people ?? NOBODY });
  if (!proof.ok) return proof.problem;
  const digest = sha256(statement);
  const { workflowExecution, activityId } = activityInfo();
  // A step that is tried again is the same command; anything else with these words is a copy of it.
  const step = `${workflowExecution?.runId ?? ''}/${activityId}`;
  // What is said to everything may be sent to any environment.
  for await (const { data } of deps.ledger.entries({ ...(scope === '*' ? {} : { environment }), kinds: ['decided'], since: new Date(Date.parse(signedAt) - AHEAD_MS).toISOString() })) {
    if (data['signedWords'] === digest && data['step'] !== step) return 'this signature was used before, and is good for one command; sign it again';
    if (data['signedWords'] === digest) return undefined;
  }
  await deps.ledger.append({ at: at.toISOString(), kind: 'decided', environment, by, data: { decision: command, scope, reason, verified: true, key: proof.key, signed: { statement, signature }, signedWords: digest, step } });
  return undefined;
}
