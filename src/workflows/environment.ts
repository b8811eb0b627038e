import {
  allHandlersFinished, condition, continueAsNew, defineQuery, defineSignal, defineUpdate, getExternalWorkflowHandle, patched, setCurrentDetails, setHandler, workflowInfo,
} from '@temporalio/workflow';
import { parseCommand, parseSlotRequest, type CommandMessage, type CommandName, type SlotRequest } from '../domain/message.js';
import type { CommandDone } from '../activities/types.js';
import { COMMAND_UPDATE, ENVIRONMENT_SIGNALS, INCIDENT_SIGNALS, STATUS_QUERY, type CommandAnswer, type EnvironmentStatus } from './messages.js';
import { expectUnlocked } from './locked.js';
import { ask, giveBack, NO_SLOTS, type Holder, type SlotState } from './slots.js';
import { stepsOf, told } from './steps.js';

export interface EnvironmentInput {
  readonly environment: string;
  readonly carried?: SlotState;
}

interface Pending {
  readonly message: CommandMessage;
  answer?: CommandAnswer;
}

const MESSAGES_PER_RUN = 2000;
/** A message that comes alone costs four events, and a slot four more: a thousand incidents would be 8,000. */
const EVENTS_PER_RUN = 2000;

/**
 * The guard of an environment: gives out the right to write, by message, and carries out what
 * people say about gates. Freezes, quarantine and fence tokens live in the ledger. A slot names
 * its run; a check that finds that run closed gives the slot back in its name.
 */
export async function environment(input: EnvironmentInput): Promise<void> {
  expectUnlocked(input);
  let state: SlotState = input.carried ?? NO_SLOTS;
  const commands: Pending[] = [];
  let messages = 0;
  let renewing = false;
  let waking = 0;

  const said = ({ workflowId, runId }: Holder): Holder => ({ workflowId, runId });
  const status = (): EnvironmentStatus => ({ environment: input.environment, concurrent: state.limit, slots: state.slots.map(said), waiting: state.waiting.map(said) });
  const hasRoom = (): boolean => state.waiting.length > 0 && state.slots.length < state.limit;

  const onSlot = (name: string, act: (request: SlotRequest) => void): void => {
    setHandler(defineSignal<[unknown]>(name), (payload) => {
      messages += 1;
      const parsed = parseSlotRequest(payload);
      if (parsed.ok) act(parsed.value);
    });
  };
  onSlot(ENVIRONMENT_SIGNALS.requestSlot, (request) => { state = ask(state, request); });
  onSlot(ENVIRONMENT_SIGNALS.returnSlot, (request) => { state = giveBack(state, request); });
  for (const command of ['freeze', 'unfreeze', 'release'] as const satisfies readonly CommandName[]) {
    setHandler(defineSignal<[unknown]>(ENVIRONMENT_SIGNALS[command]), (payload) => {
      messages += 1;
      const parsed = parseCommand(payload, command);
      if (parsed.ok) commands.push({ message: parsed.value });
    });
  }
  setHandler(defineSignal(ENVIRONMENT_SIGNALS.renew), () => { renewing = true; });
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
  const wakeBeside = async (scope: string): Promise<void> => {
    waking += 1;
    await control.wakeIncidents.executeWithOptions(told(`tell the open incidents of ${scope}`), [{ environment: input.environment, scope }]).catch(() => undefined);
    waking -= 1;
  };
  if (input.carried === undefined) await control.wakeIncidents.executeWithOptions(told('ask the open incidents what they wait for'), [{ environment: input.environment }]);
  const isLong = (): boolean => workflowInfo().historyLength >= EVENTS_PER_RUN && patched('guard-renews-by-events');
  const renewal = (): boolean => renewing || messages >= MESSAGES_PER_RUN || workflowInfo().continueAsNewSuggested || isLong();
  for (;;) {
    setCurrentDetails(describe(status()));
    await condition(() => commands.length > 0 || hasRoom() || renewal());
    const pending = commands.shift();
    if (pending !== undefined) {
      const summary = `${pending.message.command} ${pending.message.scope}, asked by ${pending.message.by}`;
      const { wake, ...answer }: CommandDone = await control.command
        .executeWithOptions({ ...told(summary), retry: { maximumAttempts: 10 } }, [{ environment: input.environment, message: pending.message, run: workflowInfo().runId }])
        .catch((error: unknown) => ({ ok: false, message: `not carried out: ${error instanceof Error && error.cause instanceof Error ? error.cause.message : 'the step failed'}` }));
      pending.answer = answer;
      // Whoever asked has the answer before a thousand incidents have heard of it.
      if (wake !== undefined) void wakeBeside(wake);
      continue;
    }
    const next = hasRoom() ? state.waiting[0] : undefined;
    if (next !== undefined) {
      state = { ...state, slots: [...state.slots, next], waiting: state.waiting.slice(1) };
      // A run that is gone cannot hear it: its slot comes back at once.
      await getExternalWorkflowHandle(next.workflowId, next.runId).signal(INCIDENT_SIGNALS.slot, next.ordinal === undefined ? {} : { ordinal: next.ordinal }).catch(() => { state = giveBack(state, { workflowId: next.workflowId, runId: next.runId }); });
      continue;
    }
    // What comes meanwhile is answered by this run: a handler that waits for its answer would never finish.
    await condition(() => (allHandlersFinished() && waking === 0) || commands.length > 0 || hasRoom());
    if (commands.length === 0 && !hasRoom()) await continueAsNew<typeof environment>({ environment: input.environment, carried: state });
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
