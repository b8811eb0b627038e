import type { Outcome } from './phase.js';

export interface NarratedPart {
  readonly part: number;
  readonly outcome: Outcome;
  readonly decision: string;
  readonly reason: string;
  readonly by?: string;
  readonly until?: string;
  /** Why it was accepted, in the words of who did, and where that is followed up. */
  readonly given?: string;
  readonly ticket?: string;
  /** Acceptances of these changes that hold no more, each in a line. */
  readonly lapsed?: readonly string[];
  /** `etc/app.yaml /port and 2 more`. */
  readonly brief: string;
  readonly rules: readonly string[];
  /** Why it was rolled back, when it was. */
  readonly cause?: string;
  readonly approvedBy?: string;
  /** Who broke the glass once it was approved or allowed, and when, in a line each. */
  readonly broken?: readonly string[];
  readonly approvedAt?: string;
  readonly writes: readonly string[];
  readonly measured: readonly string[];
  /** Desired and actual of the first changes, for what to do next; absent when sensitive. */
  readonly values: readonly { readonly place: string; readonly desired: string; readonly actual: string }[];
}

export interface Narrated {
  readonly incident: string;
  readonly kind: 'drift' | 'blind' | 'undo';
  readonly firstSeen?: string;
  readonly openedAt: string;
  readonly closedAt: string;
  readonly outcome: Outcome;
  readonly parts: readonly NarratedPart[];
  /** Health of what is live once everything was put back; absent when not measured. */
  readonly healthyAfterRollback?: boolean;
  /** Whether the desired state had changed since the last clean look; absent when there was none. */
  readonly desiredMoved?: boolean;
  /** What a command is followed by where it must be signed. */
  readonly key?: string;
}

/** The story of an incident in plain text: what drifted, since when, what was decided by whom and why, what was done, what was measured, what to do next. */
export function narrate(told: Narrated): string {
  const lines = [`${told.incident} ended: ${told.outcome}.`];
  if (told.kind === 'blind') lines.push(`The target could not be read; the incident was opened at ${told.openedAt} and closed at ${told.closedAt}.`);
  else lines.push(`Seen since ${told.firstSeen ?? told.openedAt}; opened ${told.openedAt}, closed ${told.closedAt}.`);
  for (const part of told.parts) lines.push('', ...narratePart(part));
  const next = told.parts.flatMap((part) => nextStep(part, told));
  if (next.length > 0) lines.push('', 'What to do next:', ...next.map((each) => `- ${each}`));
  return lines.join('\n');
}

function narratePart(part: NarratedPart): string[] {
  const lines = [`Part ${part.part}, ${part.outcome}: ${part.brief}.`];
  for (const lapse of part.lapsed ?? []) lines.push(`${lapse.charAt(0).toUpperCase()}${lapse.slice(1)}.`);
  if (part.rules.length > 0) lines.push(`Decided ${part.decision} (${part.rules.join(', ')}).`);
  if (part.approvedBy !== undefined) lines.push(`Approved by ${part.approvedBy} at ${part.approvedAt ?? ''}.`);
  for (const each of part.broken ?? []) lines.push(`${each}.`);
  if (part.writes.length > 0) lines.push(`Done: ${part.writes.join('; ')}.`);
  for (const measured of part.measured) lines.push(`Measured: ${measured}.`);
  if (part.reason !== '') lines.push(`Ended so because: ${part.reason}.`);
  return lines;
}

function nextStep(part: NarratedPart, told: Narrated): string[] {
  const address = told.incident.split('#')[0] ?? told.incident;
  switch (part.outcome) {
    case 'rolled-back':
      return told.kind === 'undo' || part.cause === 'asked'
        ? [`The drift is back as it was and is left alone. To repair it again: holdfast release ${address} --gate quarantine --reason WHY${told.key ?? ''}`]
        : afterFailure(part, told, address);
    case 'needs-human':
      return [`Some of it is neither as desired nor as it was. Repair it by hand, then: holdfast release ${address} --gate needs-human --reason WHY${told.key ?? ''}`];
    case 'expired':
      return [`Nobody answered in time. To be asked again: holdfast retry ${told.incident} --reason WHY${told.key ?? ''}`];
    case 'terminated':
      return ['Its run was ended from outside; look at what was left half done.'];
    case 'rejected':
      return [`The drift stays, and is not asked about again until it or the desired state changes. If it should stay for good, make it the desired state.`];
    case 'accepted':
      return [accepted(part, told)];
    case 'fixed':
      return [`To undo it while its snapshot is kept: holdfast rollback ${told.incident} --reason WHY${told.key ?? ''}`];
    default:
      return [];
  }
}

/**
 * What was live was healthy and what was desired was not. Where live moved away from a desired state
 * that had not changed, that is most often an emergency value which the desired state does not know;
 * where the desired state moved, the mistake is there.
 */
function afterFailure(part: NarratedPart, told: Narrated, address: string): string[] {
  const release = `To try the same repair again: holdfast release ${address} --gate quarantine --reason WHY${told.key ?? ''}`;
  const values = part.values.map((each) => `${each.place}: live is ${each.actual}, desired says ${each.desired}`);
  if (told.healthyAfterRollback !== true) return ['The repair did not prove healthy, and the same repair is not tried again.', release];
  if (told.desiredMoved === true) {
    return ['What is live is as before and healthy; the new desired state did not prove healthy. Correct the desired state:', ...values, release];
  }
  const or = told.desiredMoved === undefined ? ', unless the desired state has a mistake (no clean look is on record to tell)' : '';
  return [`This looks like a hotfix to adopt${or}: what is live is healthy, and the desired state is not. Make the live value the desired one, by hand or with: holdfast adopt ${told.incident} --reason WHY${told.key ?? ''}`, ...values, release];
}

function accepted({ until, given, ticket }: NarratedPart, { incident, key = '' }: Narrated): string {
  const why = given === undefined ? '' : `: ${given}`;
  return `The drift is left alone until ${until ?? 'the date given'}${ticket === undefined ? '' : ` (${ticket})`}${why}. If it changes before, it is asked about again. To end that early: holdfast accept ${incident} --end --reason WHY${key}`;
}
