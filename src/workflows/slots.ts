import type { SlotRequest } from '../domain/message.js';

export interface Holder {
  readonly workflowId: string;
  readonly runId: string;
  /** Which of the run's messages asked for it. */
  readonly ordinal?: number;
}

/** Who may write, who waits for it in the order of asking, and which returns came before what they return. */
export interface SlotState {
  readonly limit: number;
  readonly slots: readonly Holder[];
  readonly waiting: readonly Holder[];
  readonly returned?: readonly Holder[];
}

export const NO_SLOTS: SlotState = { limit: 1, slots: [], waiting: [] };

/** So many returns are remembered that came before their request: they are rare, and a request follows at once. */
const RETURNS = 1000;

/**
 * Messages of one run may overtake each other on their way. A run that asks again after it gave its
 * slot back is not the holder of old, whose return is still to come; and what was returned before the
 * request for it was heard is not given out.
 */
export function ask(state: SlotState, { workflowId, runId, limit, ordinal }: SlotRequest): SlotState {
  // One run of an id lives at a time: an earlier one, which a reset has ended, holds nothing any more.
  const isReplaced = (each: Holder): boolean => each.workflowId === workflowId && each.runId !== runId;
  const isOwn = (each: Holder): boolean => each.runId === runId;
  const asked: Holder = { workflowId, runId, ...(ordinal === undefined ? {} : { ordinal }) };
  const slots = state.slots.filter((each) => !isReplaced(each));
  const waiting = state.waiting.filter((each) => !isReplaced(each));
  const next = { ...state, limit, slots, waiting };
  if (state.returned?.some((each) => isOwn(each) && isBefore(asked, each)) === true) return next;
  const held = slots.find(isOwn);
  if (held !== undefined) return isBefore(held, asked) ? { ...next, slots: slots.filter((each) => !isOwn(each)), waiting: [...waiting, asked] } : next;
  const place = waiting.findIndex(isOwn);
  if (place === -1) return { ...next, waiting: [...waiting, asked] };
  return isBefore(waiting[place] ?? asked, asked) ? { ...next, waiting: waiting.with(place, asked) } : next;
}

export function giveBack(state: SlotState, returning: Pick<Holder, 'workflowId' | 'runId' | 'ordinal'>): SlotState {
  const stays = (each: Holder): boolean => each.runId !== returning.runId || (returning.ordinal !== undefined && !isBefore(each, returning));
  const slots = state.slots.filter(stays);
  const waiting = state.waiting.filter(stays);
  const isHeard = slots.length < state.slots.length || waiting.length < state.waiting.length;
  if (isHeard || returning.ordinal === undefined) return { ...state, slots, waiting };
  const { workflowId, runId, ordinal } = returning;
  return { ...state, returned: [...(state.returned ?? []), { workflowId, runId, ordinal }].slice(-RETURNS) };
}

function isBefore(one: Holder, other: Holder): boolean {
  return (one.ordinal ?? 0) < (other.ordinal ?? 0);
}
