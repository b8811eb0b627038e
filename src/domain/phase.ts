/** What a part of an incident is doing. The transitions below are the whole of it. */
export type Phase =
  | 'deciding'
  | 'observed'
  | 'awaiting-approval'
  | 'waiting'
  | 'staging'
  | 'validating'
  | 'finalizing'
  /** Staged, and kept until a gate opens that closed before the switch. */
  | 'kept'
  | 'verifying'
  | 'soaking'
  | 'rolling-back'
  | 'closed';

export type Outcome =
  | 'fixed' | 'rolled-back' | 'adopted' | 'accepted' | 'rejected' | 'expired' | 'cleared' | 'needs-human' | 'cancelled' | 'terminated';

export type PhaseEvent =
  | 'held' | 'asked' | 'allowed' | 'approved' | 'gate-closed' | 'gate-opened' | 'slot-granted'
  | 'staged' | 'healthy' | 'unhealthy' | 'kept' | 'finalized' | 'soaked' | 'failed' | 'moved'
  | 'restored' | 'not-restored'
  | Exclude<Outcome, 'fixed' | 'rolled-back' | 'needs-human'>;

const REST = { rejected: 'closed', accepted: 'closed', adopted: 'closed', cleared: 'closed', cancelled: 'closed', terminated: 'closed', moved: 'deciding' } as const;

/** From each phase, where each event leads. An event that is not listed does not change the phase. */
export const TRANSITIONS: Readonly<Record<Phase, Readonly<Partial<Record<PhaseEvent, Phase>>>>> = {
  deciding: { ...REST, held: 'observed', asked: 'awaiting-approval', allowed: 'waiting', failed: 'closed' },
  observed: { ...REST, approved: 'waiting' },
  'awaiting-approval': { ...REST, approved: 'waiting', expired: 'closed' },
  waiting: { ...REST, 'gate-closed': 'waiting', 'slot-granted': 'staging' },
  staging: { staged: 'validating', 'gate-closed': 'waiting', moved: 'deciding', failed: 'rolling-back', cancelled: 'rolling-back', cleared: 'closed' },
  validating: { healthy: 'finalizing', unhealthy: 'rolling-back', failed: 'rolling-back', cancelled: 'rolling-back' },
  finalizing: { finalized: 'verifying', kept: 'kept', 'gate-closed': 'rolling-back', moved: 'rolling-back', failed: 'rolling-back', cancelled: 'rolling-back' },
  kept: { 'gate-opened': 'kept', 'slot-granted': 'finalizing', 'gate-closed': 'rolling-back', failed: 'rolling-back', cancelled: 'rolling-back' },
  verifying: { healthy: 'soaking', moved: 'deciding', unhealthy: 'rolling-back', failed: 'rolling-back', cancelled: 'rolling-back' },
  soaking: { soaked: 'closed', moved: 'deciding', unhealthy: 'rolling-back', failed: 'rolling-back', cancelled: 'rolling-back' },
  'rolling-back': { restored: 'closed', 'not-restored': 'closed', moved: 'deciding', 'gate-closed': 'waiting' },
  closed: {},
};

export function nextPhase(phase: Phase, event: PhaseEvent): Phase {
  return TRANSITIONS[phase][event] ?? phase;
}

/** Phases in which nothing external is under way, so that an incident may continue as new or close. */
export const REST_PHASES: readonly Phase[] = ['observed', 'awaiting-approval', 'waiting', 'closed'];

/** Phases of a part that has no step under way. */
export const IDLE_PHASES: readonly Phase[] = [...REST_PHASES, 'kept', 'soaking'];

/** An incident shows the phase of the part that most needs a person, in this order. */
const ATTENTION: readonly Phase[] = [
  'rolling-back', 'awaiting-approval', 'finalizing', 'verifying', 'validating', 'staging', 'kept', 'waiting', 'deciding', 'soaking', 'observed', 'closed',
];

/** For sorting: the phase that most needs a person first. */
export function byAttention(one: string | undefined, other: string | undefined): number {
  const rank = (phase: string | undefined): number => ATTENTION.findIndex((each) => each === phase);
  return rank(one) - rank(other);
}

export function foremostPhase(phases: readonly Phase[]): Phase {
  return ATTENTION.find((phase) => phases.includes(phase)) ?? 'closed';
}

/** Worst first: an incident with several parts is listed under the first that applies. */
export const OUTCOMES: readonly Outcome[] = [
  'needs-human', 'terminated', 'rolled-back', 'cancelled', 'expired', 'rejected', 'accepted', 'adopted', 'fixed', 'cleared',
];

export function foremostOutcome(outcomes: readonly Outcome[]): Outcome {
  return OUTCOMES.find((outcome) => outcomes.includes(outcome)) ?? 'cleared';
}

/** A change that ended so opens nothing and tells nobody until it or its desired state changes, or the time given passes. */
export const SETTLING_OUTCOMES: readonly Outcome[] = ['rejected', 'expired', 'rolled-back', 'needs-human', 'cancelled', 'terminated', 'accepted'];
