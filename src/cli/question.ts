import type { HoldfastClient } from '../client.js';
import { formatAddress, parseIncident, type IncidentId, type TargetAddress } from '../domain/address.js';
import type { JsonObject } from '../domain/json.js';
import type { IncidentRow } from '../ledger/ledger.js';
import type { About } from '../trust/statement.js';
import { CliError } from './errors.js';
import { type RecordedPart, readPart } from './parts.js';
import { shellWord } from './render/escape.js';
import { shortHash } from './render/plan.js';

export interface Questioned {
  readonly client: HoldfastClient;
  readonly address: TargetAddress;
  readonly row?: IncidentRow;
  /** As given on the command line. */
  readonly plan?: string;
  readonly decision: string;
}

/** What asks somebody comes before what is decided and waits, for which only the glass can be broken. */
const WAITS: readonly (readonly string[])[] = [['awaiting-approval', 'observed'], ['waiting', 'kept']];

/** The one question that a signature is about, as it stands now. Throws when there is none, or more than one. */
export async function questionOf({ client, address, row, plan, decision }: Questioned): Promise<Pick<About, 'incident' | 'question'>> {
  const status = await client.incidentStatus(address);
  const incident = status === undefined ? row : parseIncident(status.incident);
  const name = formatAddress(address);
  if (incident?.number === undefined) throw new CliError(`${name} has no open incident`, { remedy: `Look at it now with: holdfast check ${name}` });
  const parts = (status?.parts.map((part): JsonObject => ({ ...part })) ?? row?.parts ?? []).map(readPart);
  const open = parts.filter((part) => part.outcome === undefined && WAITS.some((phases) => phases.includes(part.phase ?? '')));
  const named = open.filter((part) => plan === undefined || part.plan?.startsWith(plan));
  const meant = WAITS.map((phases) => named.filter((part) => phases.includes(part.phase ?? ''))).find((some) => some.length > 0) ?? [];
  const [part, second] = meant;
  if (part === undefined) throw notAsked(`${name}#${incident.number}`, plan, open);
  if (second !== undefined) throw new CliError(`${name}#${incident.number} has ${meant.length} parts, and a signature is about one`, { remedy: `Name which to ${decision}: ${meant.map((each) => (each.plan === undefined ? '' : `--plan ${shortHash(each.plan)}`)).filter((each) => each !== '').join(' or ')}.` });
  const id: IncidentId = { environment: address.environment, target: address.target, number: incident.number };
  return { incident: id, question: part.plan === undefined || part.ask === undefined ? { part: part.part ?? 1 } : { plan: part.plan, ask: part.ask } };
}

function notAsked(name: string, plan: string | undefined, open: readonly RecordedPart[]): CliError {
  const standing = open.find((each) => each.plan !== undefined)?.plan;
  const remedy = standing === undefined ? `See what it waits for with: holdfast incident ${shellWord(name)}` : `It asks about plan ${shortHash(standing)}: review that with holdfast incident ${shellWord(name)}, and decide again.`;
  return new CliError(plan === undefined ? `${name} asks nobody now` : `${name} does not ask about plan ${plan}`, { remedy });
}
