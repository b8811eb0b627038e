import { setTimeout as sleep } from 'node:timers/promises';
import type { Cloud } from './cloud.js';
import type { Case } from './plan-of-group.js';
import type { Standstill } from './standstill.js';

/** How long an answer takes to come that comes late. */
const LATE_MS = 1_500;

/**
 * What a person says to Temporal is an external call like any other: it may not arrive, or arrive and
 * the answer be lost, or take its time. Nobody's worker makes it, so nobody dies in it.
 */
export function personOf(each: Case, { cloud, standstill }: { readonly cloud: Cloud; readonly standstill: Standstill }): <T>(does: string, act: () => Promise<T>) => Promise<T> {
  const counts = new Map<string, number>();
  return async (does, act) => {
    const label = `person:person/${does}`;
    const nth = (counts.get(label) ?? 0) + 1;
    counts.set(label, nth);
    const line = { account: each.target, attempt: 'person', label, nth };
    cloud.log.add({ ...line, what: 'call' });
    const fault = each.faults.find((one) => one.label === label && one.nth === nth);
    if (fault === undefined) return act();
    cloud.log.add({ ...line, what: 'strike' });
    if (fault.kind === 'timeout') await act();
    if (fault.aftermath === 'server') {
      standstill.arrive(each.target);
      await standstill.goOn(each.target);
    }
    if (fault.kind !== 'delay') throw new Error(`${does} timed out`);
    await sleep(LATE_MS);
    return act();
  };
}
