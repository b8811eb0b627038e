import { canonicalJson } from '../digest.js';
import { formatIncident, type IncidentId } from '../domain/address.js';
import type { Json, JsonObject } from '../domain/json.js';
import type { CommandMessage, DecisionMessage } from '../domain/message.js';

/** What every signature of a decision is made for; one made for anything else is refused. */
export const NAMESPACE = 'holdfast-approval';

/** What a decision is about. */
export interface About {
  readonly project: string;
  readonly incident: IncidentId;
  /** The question that it answers; or, where there is no repair to ask about, the number of the part, which is given once. */
  readonly question: Question | { readonly part: number };
}

interface Question {
  /** The whole hash. */
  readonly plan: string;
  /** The question's id: another each time that something is asked. */
  readonly ask: string;
}

/**
 * What is signed: canonical JSON (RFC 8785) of the decision, of everything that was said with it, and of
 * the one question that it answers. It has no time of its own: that of a decision is the server's.
 */
export function decisionStatement({ project, incident, question }: About, message: DecisionMessage): string {
  const said = Object.entries(message as unknown as JsonObject).filter(([name]) => name !== 'signature' && name !== 'plan');
  return statement({ project, incident: formatIncident(incident), ...question }, said);
}

/** The same of a command to an environment: everything that is said, and when it was signed, since no question makes it good for once. */
export function commandStatement(project: string, message: CommandMessage): string {
  return statement({ project }, Object.entries(message as unknown as JsonObject).filter(([name]) => name !== 'signature'));
}

function statement(about: JsonObject, said: readonly (readonly [string, Json | undefined])[]): string {
  // What it is about comes last: nothing that was said can stand in its place.
  return canonicalJson({ ...Object.fromEntries(said), ...about, version: 1 });
}
