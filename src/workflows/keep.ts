import { condition } from '@temporalio/workflow';
import type { Answer } from './answer.js';
import { describeIncident } from './details.js';
import { askGatesAgain } from './gates.js';
import type { IncidentRun, PartState } from './state.js';
import { untilOpen, type Steps } from './steps.js';
import { backOut, stopping } from './stopping.js';
import { takeTurn } from './turn.js';

/**
 * A gate closed between stage and finalize: what was staged is kept while it may open soon, without a
 * slot. Then the switch looks and asks again, since the live state may have moved meanwhile. What is
 * not switched in time is unstaged, and waits as if it had never been staged.
 */
export async function keep(part: PartState, run: IncidentRun, steps: Steps): Promise<Answer> {
  const signalled = (): boolean => run.gatesSignals !== (part.gatesSeen ?? 0);
  const stopped = (): Answer | undefined => stopping(part, run);
  for (;;) {
    if (signalled()) await askGatesAgain(part, steps, run);
    const event = stopped();
    if (event !== undefined) return event;
    const { gateNow, keepUntil } = part;
    // A freeze that comes while others write is heard at once, and not when they are done.
    if (gateNow.allowed) return takeTurn(part, { run, steps, stopped: () => stopped() ?? (signalled() ? 'gate-opened' : undefined) });
    if (keepUntil === undefined) return backOut(part, 'gate-closed', gateNow.reason, 'gate-closed');
    part.note = `staged, and kept until ${keepUntil}: ${gateNow.reason}`;
    describeIncident(run);
    const due = gateNow.opensAt !== undefined && gateNow.opensAt < keepUntil ? gateNow.opensAt : keepUntil;
    const woke = await condition(() => stopped() !== undefined || signalled(), untilOpen(due), { summary: `${gateNow.gate}: what was staged is kept until ${keepUntil}` });
    if (!woke) await askGatesAgain(part, steps, run);
  }
}
