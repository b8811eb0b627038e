/** What goes wrong with one call. */
export const FAULTS = ['fail', 'timeout', 'delay', 'stale', 'partial', 'identity'] as const;
export type FaultKind = (typeof FAULTS)[number];

/**
 * What happens to the machines with it: nothing; the attempt dies in process, as a killed worker's
 * does; or really, once a whole group of cases stands at its points: SIGKILL of the worker process, of
 * worker and Temporal server, or of the server alone.
 */
export const AFTERMATHS = ['continue', 'crash', 'worker', 'everything', 'server'] as const;
export type Aftermath = (typeof AFTERMATHS)[number];

export interface Fault {
  /** `finalize/cloud.putMany r1`, and which call of that label for the account, from 1. */
  readonly label: string;
  readonly nth: number;
  readonly kind: FaultKind;
  readonly aftermath: Aftermath;
}

/**
 * What a call is, for which faults make sense: a read or a write of the cloud (`list` may be cut
 * short, `many` may stop in the middle), a write elsewhere whose effect may be ambiguous, a call that
 * only answers, or what a person says.
 */
export type CallKind = 'read' | 'list' | 'write' | 'many' | 'effect' | 'answer' | 'person';

export interface Point {
  readonly label: string;
  readonly nth: number;
  readonly kind: CallKind;
  /** Whether the same attempt calls something later on that leaves something behind. */
  readonly leads: boolean;
}

/** What leaves nothing behind, however it ends. */
export function isRead(kind: CallKind): boolean {
  return kind === 'read' || kind === 'list' || kind === 'answer';
}

/** Why a combination is not injected; absent when it is. Every combination is counted either way. */
export function notApplicable(point: Point, kind: FaultKind, aftermath: Aftermath): string | undefined {
  const reads = isRead(point.kind);
  const ofCloud = point.kind !== 'effect' && point.kind !== 'answer' && point.kind !== 'person';
  const stands = aftermath === 'server';
  const dies = aftermath === 'crash' || aftermath === 'worker' || aftermath === 'everything';
  if (dies && point.kind === 'person') return 'no worker makes the call of a person, so none dies in it';
  if (kind === 'timeout' && reads) return 'a read has no effect: the same as fail';
  if (kind === 'delay' && ofCloud && reads) return 'a read that its caller gave up had no effect: the same as fail';
  if (kind === 'delay' && point.kind === 'answer' && point.leads) return 'an answer that comes late holds up what follows it: the same as a delay of the next write';
  if (kind === 'stale' && !(ofCloud && reads)) return 'only a read of the engine can be stale';
  if (kind === 'identity' && !ofCloud) return 'only the engine has accounts';
  if (kind === 'partial' && point.kind !== 'many' && point.kind !== 'list') return 'one thing is done whole or not at all';
  if (dies && kind !== 'fail' && reads) return 'whoever died heard no answer: the same as fail';
  if (dies && reads && point.leads) return 'who dies at a read left nothing since the call before: the same as dying before the next write';
  if (stands && reads && point.leads) return 'who stands still at a read left nothing since the call before: the same as standing before the next write';
  if (stands && (kind === 'stale' || kind === 'identity')) return 'it has passed before a killed server is back';
  if (dies && kind === 'identity') return 'what was refused had no effect: the same as fail';
  if (dies && kind === 'delay' && !ofCloud) return 'a call within the process dies with it: the same as fail';
  return undefined;
}

export function nameOfFault({ label, nth, kind, aftermath }: Fault): string {
  return `${kind}+${aftermath} @ ${label} #${nth}`;
}
