import { proxyActivities } from '@temporalio/workflow';

/** A workflow of a stranger who reaches the namespace: it schedules any step, on any queue, with anything. */
export async function forge({ queue, step, input }: { readonly queue: string; readonly step: string; readonly input: unknown }): Promise<unknown> {
  const steps = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({ taskQueue: queue, startToCloseTimeout: '30 seconds', retry: { maximumAttempts: 2 } });
  const call = steps[step];
  if (call === undefined) throw new TypeError(`no step ${step}`);
  return call(input);
}

/** The same under the type of the real ones: with the id of an incident that has ended, its steps look like that incident's own. */
export const incident = forge;
export const environment = forge;
