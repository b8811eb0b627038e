import { formatAddress, formatIncident, type IncidentId } from './address.js';
import type { Change } from './change.js';
import { changesInBrief } from './describe.js';
import type { Json } from './json.js';
import { oneLine } from './plain-text.js';

/** How many changes a commit names before it counts the rest. */
const NAMED = 50;

/** `holdfast/adopt/prod-storefront-7-3f9ac2d1`: the same for the same part. `hash`: its plan's, or of its changes. */
export function adoptionBranch({ environment, target, number }: IncidentId, hash: string): string {
  return `holdfast/adopt/${environment}-${target}-${number}-${hash.slice(0, 8)}`;
}

export interface AdoptionTold {
  readonly incident: IncidentId;
  readonly changes: readonly Change[];
  readonly by: string;
  readonly verified: boolean;
  readonly reason: string;
  readonly plan?: string;
  /** The branch that is watched. */
  readonly ref?: string;
}

/** A commit message that says what, why and who. Every word from outside stands in a line of its own, so that none passes for a trailer. */
export function adoptionMessage({ incident, changes, by, verified, reason, plan, ref }: AdoptionTold): string {
  const address = formatAddress(incident);
  const named = changes.slice(0, NAMED).map((change) => `- ${changeText(change)}`);
  const rest = changes.length - named.length;
  return [
    oneLine(`Adopt ${changesInBrief(changes)} in ${address}`, 72),
    '',
    `What is live in ${address} becomes its desired state${ref === undefined ? '' : ` once this is merged into ${oneLine(ref, 100)}`}:`,
    '',
    ...named,
    ...(rest > 0 ? [`- and ${rest} more`] : []),
    '',
    `Why: ${oneLine(reason, 1000)}`,
    '',
    `Holdfast-Incident: ${formatIncident(incident)}`,
    ...(plan === undefined ? [] : [`Holdfast-Plan: ${plan}`]),
    `Holdfast-Adopted-By: ${oneLine(by, 200)}${verified ? '' : ' (unverified)'}`,
    '',
  ].join('\n');
}

function changeText(change: Change): string {
  const place = oneLine(`${change.resource}${change.path === '' ? '' : ` ${change.path}`}`, 200);
  if (change.kind === 'missing') return `${place}: is gone`;
  if (change.kind === 'unmanaged') return `${place}: is new`;
  if (change.sensitive || change.path === '@content') return `${place}: changed`;
  return `${place}: ${valueText(change.desired)} becomes ${valueText(change.actual)}`;
}

function valueText(value: Json | undefined): string {
  return value === undefined ? '(absent)' : oneLine(JSON.stringify(value), 120);
}
