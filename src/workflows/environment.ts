import {
  allHandlersFinished, condition, continueAsNew, defineQuery, defineSignal, defineUpdate, getExternalWorkflowHandle, setCurrentDetails, setHandler, workflowInfo,
} from '@temporalio/workflow';
import { parseCommand, parseSlotRequest, type CommandMessage, type CommandName, type SlotRequest } from '../domain/message.js';
import { COMMAND_UPDATE, ENVIRONMENT_SIGNALS, INCIDENT_SIGNALS, STATUS_QUERY, type CommandAnswer, type EnvironmentStatus } from './messages.js';
import { stepsOf, told } from './steps.js';

export interface EnvironmentInput {
  readonly environment: string;
  readonly carried?: { readonly limit: number; readonly slots: readonly Holder[]; readonly waiting: readonly Holder[] };
}

interface Holder {
  readonly workflowId: string;
  readonly runId: string;
}

interface Pending {
  readonly message: CommandMessage;
  answer?: CommandAnswer;
}

const MESSAGES_PER_RUN = 2000;

/**
 * The guard of an environment: gives out the right to write, by message, and carries out what
 * people say about gates. Freezes, quarantine and fence tokens live in the ledger. A slot names
 * its run; a check that finds that run closed gives the slot back in its name.
 */
export async function environment(input: EnvironmentInput): Promise<void> {
  let limit = input.carried?.limit ?? 1;
  let slots: Holder[] = [...(input.carried?.slots ?? [])];
  let waiting: Holder[] = [...(input.carried?.waiting ?? [])];
  const commands: Pending[] = [];
  let messages = 0;

  const ask = (request: SlotRequest): void => {
    limit = request.limit;
    // One run of an id lives at a time: an earlier one, which a reset has ended, holds nothing any more.
    const replaced = (each: Holder): boolean => each.workflowId === request.workflowId && each.runId !== request.runId;
    slots = slots.filter((each) => !replaced(each));
    waiting = waiting.filter((each) => !replaced(each));
    const known = [...slots, ...waiting].some((each) => each.runId === request.runId);
    if (!known) waiting.push({ workflowId: request.workflowId, runId: request.runId });
  };
  const giveBack = ({ runId }: Holder): void => {
    slots = slots.filter((each) => each.runId !== runId);
    waiting = waiting.filter((each) => each.runId !== runId);
  };
  const status = (): EnvironmentStatus => ({ environment: input.environment, concurrent: limit, slots, waiting });

  const onSlot = (name: string, act: (request: SlotRequest) => void): void => {
    setHandler(defineSignal<[unknown]>(name), (payload) => {
      messages += 1;
      const parsed = parseSlotRequest(payload);
      if (parsed.ok) act(parsed.value);
    });
  };
  onSlot(ENVIRONMENT_SIGNALS.requestSlot, ask);
  onSlot(ENVIRONMENT_SIGNALS.returnSlot, giveBack);
  for (const command of ['freeze', 'unfreeze', 'release'] as const satisfies readonly CommandName[]) {
    setHandler(defineSignal<[unknown]>(ENVIRONMENT_SIGNALS[command]), (payload) => {
      messages += 1;
      const parsed = parseCommand(payload, command);
      if (parsed.ok) commands.push({ message: parsed.value });
    });
  }
  setHandler(defineUpdate<CommandAnswer, [unknown]>(COMMAND_UPDATE), async (payload) => {
    const parsed = parseCommand(payload);
    if (!parsed.ok) return { ok: false, message: parsed.problem };
    messages += 1;
    const pending: Pending = { message: parsed.value };
    commands.push(pending);
    await condition(() => pending.answer !== undefined);
    return pending.answer ?? { ok: false, message: 'not carried out' };
  }, { validator: (payload) => { const parsed = parseCommand(payload); if (!parsed.ok) throw new TypeError(parsed.problem); } });
  setHandler(defineQuery<EnvironmentStatus>(STATUS_QUERY), status);

  const { control } = stepsOf(input.environment);
  if (input.carried === undefined) await control.wakeIncidents.executeWithOptions(told('ask the open incidents what they wait for'), [{ environment: input.environment }]);
  const renewal = (): boolean => messages >= MESSAGES_PER_RUN || workflowInfo().continueAsNewSuggested;
  for (;;) {
    setCurrentDetails(describe(status()));
    await condition(() => commands.length > 0 || (waiting.length > 0 && slots.length < limit) || renewal());
    const pending = commands.shift();
    if (pending !== undefined) {
      const summary = `${pending.message.command} ${pending.message.scope}, asked by ${pending.message.by}`;
      pending.answer = await control.command
        .executeWithOptions({ ...told(summary), retry: { maximumAttempts: 10 } }, [{ environment: input.environment, message: pending.message, run: workflowInfo().runId }])
        .catch((error: unknown) => ({ ok: false, message: `not carried out: ${error instanceof Error && error.cause instanceof Error ? error.cause.message : 'the step failed'}` }));
      continue;
    }
    const next = slots.length < limit ? waiting.shift() : undefined;
    if (next !== undefined) {
      slots.push(next);
      // A run that is gone cannot hear it: its slot comes back at once.
      await getExternalWorkflowHandle(next.workflowId, next.runId).signal(INCIDENT_SIGNALS.slot, {}).catch(() => { giveBack(next); });
      continue;
    }
    await condition(allHandlersFinished);
    if (commands.length === 0) await continueAsNew<typeof environment>({ environment: input.environment, carried: { limit, slots, waiting } });
  }
}

function describe(status: EnvironmentStatus): string {
  const name = (holder: Holder): string => `- \`${holder.workflowId}\``;
  return [
    `## ${status.environment}: ${status.slots.length} of ${status.concurrent} may write now`,
    ...status.slots.map(name),
    ...(status.waiting.length === 0 ? [] : ['', 'Waiting for a slot:', ...status.waiting.map(name)]),
    '',
    `To stop every repair here, send the signal \`freeze\` with \`{"scope": "${status.environment}", "by": "your name", "reason": "why"}\`; \`unfreeze\` with the same resumes.`,
  ].join('\n');
}
