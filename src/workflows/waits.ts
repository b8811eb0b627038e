import { gatesText, KEY, withPlan } from '../domain/gates/gate.js';
import type { PartState } from './state.js';

/** So many characters of a hash are shown; approving needs at least 8 of them. */
const SHORT_HASH = 12;

/** What a part waits for, and which time or command moves it, in a line; empty while it is at work or has ended. */
export function waitsFor(incident: string, part: PartState): string {
  if (part.outcome !== undefined) return '';
  const gate = part.gateNow.allowed ? [] : [`${part.keepUntil === undefined ? '' : `staged, and kept until ${part.keepUntil}: `}${withPlan(gatesText(part.gateNow), part.plan)}`];
  const note = part.note === '' || (!part.gateNow.allowed && part.adopting === undefined) ? [] : [part.note];
  return [...gate, ...note, ...brokenText(part), ...awaited(incident, part)].join('; ');
}

/** What a broken glass does not open holds it all the same, and maybe for longer than it is broken. */
function brokenText({ phase, gateNow, decided }: PartState): readonly string[] {
  if (decided?.breakGlass === undefined || gateNow.allowed || (phase !== 'waiting' && phase !== 'kept')) return [];
  return [`${decided.brokenBy ?? decided.by} broke the glass, for a repair that starts by ${decided.breakGlass.startBy}`];
}

function awaited(incident: string, part: PartState): readonly string[] {
  // Once it is adopted its question rests, and the note says who takes it in.
  if (part.adopting !== undefined) return [];
  if (part.phase === 'awaiting-approval') return [`${part.gateNow.allowed ? '' : 'and '}an approval${untilText(part)}: ${command(incident, part, 'approve')}`];
  if (part.phase !== 'observed') return [];
  if (part.decision === 'adopt') return [`a person who adopts it: ${command(incident, part, 'adopt')} --reason WHY`];
  if (part.plan === undefined || part.impossible !== undefined) return ['nothing is done by itself: it is to be repaired by hand, and is cleared once a check finds it gone'];
  return [`nothing is done by itself: it is cleared once a check finds it gone, or repaired with: ${command(incident, part, 'approve')}`];
}

function command(incident: string, { plan, signing }: PartState, decision: 'approve' | 'adopt'): string {
  return `holdfast ${decision} ${incident}${plan === undefined ? '' : ` --plan ${plan.slice(0, SHORT_HASH)}`}${signing === undefined ? '' : KEY}`;
}

/** Until when, and who may approve too before that. */
function untilText({ gateNow, askExpiresAt, expiresMs, escalate, escalated = 0 }: PartState): string {
  if (!gateNow.allowed) return ', whose time stands still meanwhile';
  if (askExpiresAt === undefined) return '';
  const step = escalate?.[escalated];
  const next = step === undefined ? '' : `, by ${step.to} too from ${new Date(Date.parse(askExpiresAt) - expiresMs + step.afterMs).toISOString()} on`;
  return ` until ${askExpiresAt}${next}`;
}
