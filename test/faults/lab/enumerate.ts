import { AFTERMATHS, FAULTS, isRead, nameOfFault, notApplicable, type Aftermath, type CallKind, type Fault, type FaultKind, type Point } from './faults.js';
import type { LogLine } from './call-log.js';

/** Every external call of a path, in the order in which a run without faults made them. */
export function pointsOf(lines: readonly LogLine[]): readonly Point[] {
  const calls = lines.filter((line) => line.what === 'call').map((line) => ({ ...line, kind: line.label.slice(0, line.label.indexOf(':')) as CallKind }));
  return calls.map(({ label, nth, kind, attempt }, index) => ({ label, nth, kind, leads: calls.slice(index + 1).some((later) => later.attempt === attempt && !isRead(later.kind)) }));
}

export interface Enumerated {
  readonly path: string;
  readonly fault: Fault;
  /** Why it is not injected; absent when it is. */
  readonly notApplicable?: string;
}

/** Every call of a path with every fault and every aftermath: nothing is left out, what makes no sense is said. */
export function enumerate(path: string, points: readonly Point[], { faults = FAULTS, aftermaths = AFTERMATHS }: { readonly faults?: readonly FaultKind[]; readonly aftermaths?: readonly Aftermath[] } = {}): readonly Enumerated[] {
  return points.flatMap((point) => aftermaths.flatMap((aftermath) => faults.map((kind): Enumerated => {
    const why = notApplicable(point, kind, aftermath);
    return { path, fault: { label: point.label, nth: point.nth, kind, aftermath }, ...(why === undefined ? {} : { notApplicable: why }) };
  })));
}

export function nameOfCase(path: string, faults: readonly Fault[]): string {
  return `${path}: ${faults.length === 0 ? 'no fault' : faults.map(nameOfFault).join(' and ')}`;
}
