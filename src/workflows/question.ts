import { condition } from '@temporalio/workflow';
import { adoptNow, wantsAdopting } from './adopting.js';
import { askGatesAgain } from './gates.js';
import { note, type Answer } from './answer.js';
import { describeIncident } from './details.js';
import { endingReason } from './run.js';
import type { IncidentRun, PartState } from './state.js';
import { told, untilInstant, untilOpen, type Steps } from './steps.js';

/** Waits for a person, without polling; reminders and expiry are durable timers, and the judge alone says what came in time. */
export async function awaitDecision(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  for (;;) {
    const stirred = (): boolean => settledEvent(part, run) !== undefined || (wantsAdopting(part) ? run.writer === undefined : run.gatesSignals !== (part.gatesSeen ?? 0));
    const due = wantsAdopting(part) ? undefined : nextDue(part);
    const woke = due === undefined ? await condition(stirred).then(() => true) : await condition(stirred, due.inMs, { summary: due.summary });
    // A decision that came with the timer, or before it while no worker was there, is judged first.
    await condition(() => (run.inbox.length === 0 && !run.judging) || run.continuing);
    const event = settledEvent(part, run);
    if (event !== undefined) return event;
    if (wantsAdopting(part)) {
      if (run.writer !== undefined) continue;
      const ended = await adoptNow(part, run, steps);
      if (ended !== undefined) return ended;
      continue;
    }
    if (woke || due?.kind === 'gate') await askGatesAgain(part, steps, run);
    else if (due?.kind === 'reminder') await remind(part, run, steps);
    else if (due?.kind === 'escalation') await escalate(part, run, steps);
    else return note(part, `nobody answered by ${part.askExpiresAt ?? ''}`, 'expired');
  }
}

function settledEvent(part: PartState, run: IncidentRun): Answer | undefined {
  if (part.superseded !== undefined) return note(part, part.superseded.reason, part.superseded.event);
  const stopped = part.stop?.reason ?? endingReason(run);
  if (stopped !== undefined) return note(part, stopped, 'cancelled');
  if (part.decided?.decision === 'approve') return note(part, approvedText(part.decided), 'approved');
  if (part.decided?.decision === 'reject') return note(part, `rejected by ${part.decided.by}: ${part.decided.reason ?? ''}`, 'rejected');
  if (part.decided?.decision === 'accept') return note(part, `accepted by ${part.decided.by} until ${part.decided.until ?? ''}`, 'accepted');
  return run.continuing ? 'rest' : undefined;
}

function approvedText({ by, breakGlass }: NonNullable<PartState['decided']>): string {
  return breakGlass === undefined ? `approved by ${by}` : `${by} broke the glass: the repair must start by ${breakGlass.startBy}`;
}

interface Due {
  readonly inMs: number;
  readonly kind: 'gate' | 'reminder' | 'escalation' | 'expiry';
  readonly summary: string;
}

/** What comes next by time: a reminder, a step of escalation or the end of the question; `undefined` while the repair could not start, since then nothing runs out. */
function nextDue(part: PartState): Due | undefined {
  if (part.phase !== 'awaiting-approval') return undefined;
  if (!part.gateNow.allowed) {
    const { gate, opensAt } = part.gateNow;
    return opensAt === undefined ? undefined : { inMs: untilOpen(opensAt), kind: 'gate', summary: `${gate} opens at ${opensAt}` };
  }
  if (part.askExpiresAt === undefined) return undefined;
  const ends = nextOf(part, part.askExpiresAt);
  const { closesAt } = part.gateNow;
  // From then on the time of the question stands still.
  return closesAt === undefined || untilInstant(closesAt) >= ends.inMs ? ends : { inMs: untilOpen(closesAt), kind: 'gate', summary: `a gate closes at ${closesAt}` };
}

/** The next reminder or step of escalation, or the end of a question whose time runs. */
function nextOf(part: PartState, expiresAt: string): Due {
  const leftMs = untilInstant(expiresAt);
  const end: Due = { inMs: leftMs, kind: 'expiry', summary: `the question about part ${part.part} expires at ${expiresAt}` };
  const untilThen = (afterMs: number): number => leftMs - (part.expiresMs - afterMs);
  const reminder = part.remindMs[part.reminders];
  const step = part.escalate?.[part.escalated ?? 0];
  const before: readonly Due[] = [
    ...(step === undefined ? [] : [{ inMs: untilThen(step.afterMs), kind: 'escalation' as const, summary: `nobody answered about part ${part.part}: ${step.to} may approve too` }]),
    ...(reminder === undefined ? [] : [{ inMs: untilThen(reminder), kind: 'reminder' as const, summary: `reminder ${part.reminders + 1} that part ${part.part} waits for approval` }]),
  ];
  const first = before.reduce((one, other) => (other.inMs < one.inMs ? other : one), end);
  return first.kind === 'expiry' ? end : { ...first, inMs: Math.max(1, first.inMs) };
}

async function remind(part: PartState, run: IncidentRun, steps: Steps): Promise<void> {
  part.reminders += 1;
  await steps.control.remind.executeWithOptions(told(`remind people of part ${part.part}`), [
    { incident: run.input.incident, part: part.part, plan: part.plan ?? '', ordinal: part.reminders, ...(part.ask === undefined ? {} : { ask: part.ask }) },
  ]);
}

/** Who may approve grows with each step; nobody who could before is shut out. */
async function escalate(part: PartState, run: IncidentRun, steps: Steps): Promise<void> {
  const taken = part.escalated ?? 0;
  const step = part.escalate?.[taken];
  if (step === undefined) return;
  part.escalated = taken + 1;
  const { requires, approvals } = await steps.control.escalate.executeWithOptions(told(`nobody answered about part ${part.part}: ${step.to} may approve too`), [
    { incident: run.input.incident, part: part.part, plan: part.plan ?? '', ask: part.ask ?? '', step: part.escalated, to: step.to },
  ]);
  if (requires !== undefined) part.requires = requires;
  if (approvals !== undefined) part.approvals = approvals;
  part.note = `nobody answered in time: ${step.to} may approve too`;
  describeIncident(run);
}
