import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import type { Cloud, Item } from './cloud.js';
import type { CloudClient, Writer } from './cloud-provider.js';
import type { CallKind, Fault } from './faults.js';
import type { Standstill } from './standstill.js';

/** How long a caller of the cloud waits, and how much later a delayed call lands. */
const PATIENCE_MS = 700;
const LATE_MS = 1_500;
/** How long reads lag, or another account answers. */
const WINDOW_MS = 1_500;

export interface Injector {
  /** Every external call goes through here: it is logged, and fails as it is told to. */
  at<T>(call: Call, act: () => Promise<T> | T): Promise<T>;
  /** An attempt of a step, which may die in it. */
  step<T>(work: () => Promise<T>): Promise<T>;
  cloudClient(): CloudClient;
}

export interface Call {
  /** `ledger.intend write r1` */
  readonly point: string;
  readonly kind: CallKind;
  /** The intent that it records or closes. */
  readonly key?: string;
  /** The target it is about, where the step does not say. */
  readonly target?: string;
  /** For `partial`: what is done instead of the whole. */
  readonly partly?: () => unknown;
  /** For `delay`: the call goes on without its caller. */
  readonly later?: () => void;
}

export interface InjectorOptions {
  readonly cloud: Cloud;
  /** By account. */
  readonly faults: ReadonlyMap<string, readonly Fault[]>;
  readonly standstill: Standstill;
}

/** The kind is part of the label, so that an enumeration knows which faults make sense. */
function labelOf(kind: CallKind, step: string, point: string): string {
  return `${kind}:${step}/${point}`;
}

export function openInjector({ cloud, faults, standstill }: InjectorOptions): Injector {
  const counts = new Map(cloud.log.counts());
  const deaths = new Map<string, () => void>();
  const dead = new Set<string>();
  const forever = (): Promise<never> => new Promise(() => undefined);

  async function at<T>(call: Call, act: () => Promise<T> | T): Promise<T> {
    const { attempt, step, target } = whoAsks();
    if (dead.has(attempt)) return forever();
    const account = call.target ?? target;
    if (account === undefined || standstill.isQuiet()) return act();
    const label = labelOf(call.kind, step, call.point);
    const nth = (counts.get(`${account} ${label}`) ?? 0) + 1;
    counts.set(`${account} ${label}`, nth);
    const line = { account, attempt, label, nth, ...(call.key === undefined ? {} : { key: call.key }) };
    cloud.log.add({ ...line, what: 'call' });
    // What was done is in the log even where the caller never hears of it.
    const acted = async (): Promise<T> => {
      const result = await act();
      cloud.log.add({ ...line, what: 'done' });
      return result;
    };
    const fault = faults.get(account)?.find((each) => each.label === label && each.nth === nth);
    const result = fault === undefined ? await acted() : await strike({ fault, call, account, attempt }, acted);
    return dead.has(attempt) ? forever() : result;
  }

  async function strike<T>({ fault, call, account, attempt }: { readonly fault: Fault; readonly call: Call; readonly account: string; readonly attempt: string }, act: () => Promise<T> | T): Promise<T> {
    const { kind, label, nth } = fault;
    cloud.log.add({ account, attempt, what: 'strike', label, nth });
    const late = (): Error => new Error(`${label.slice(label.indexOf(':') + 1)} timed out`);
    switch (kind) {
      case 'fail':
        await after(fault, account, attempt);
        throw late();
      case 'timeout':
        await act();
        await after(fault, account, attempt);
        throw late();
      case 'delay':
        call.later?.();
        await after(fault, account, attempt);
        if (call.kind === 'effect' || call.kind === 'answer') {
          await sleep(LATE_MS);
          return act();
        }
        await sleep(PATIENCE_MS);
        throw late();
      case 'partial': {
        const part = await call.partly?.();
        await after(fault, account, attempt);
        if (call.kind === 'many') throw late();
        return part as T;
      }
      case 'stale':
        cloud.lag(account, WINDOW_MS);
        await after(fault, account, attempt);
        return act();
      case 'identity':
        cloud.stranger(account, WINDOW_MS);
        await after(fault, account, attempt);
        return act();
    }
  }

  async function after({ aftermath }: Fault, account: string, attempt: string): Promise<void> {
    if (aftermath === 'continue') return;
    if (aftermath === 'crash') {
      dead.add(attempt);
      deaths.get(attempt)?.();
      return forever();
    }
    standstill.arrive(account);
    if (aftermath !== 'server') return forever();
    await standstill.goOn(account);
  }

  return {
    at,
    step: async (work) => {
      const { attempt } = whoAsks();
      // Temporal hears that the attempt is over, as it would by a missed heartbeat, only sooner.
      const death = new Promise<never>((_resolve, reject) => {
        deaths.set(attempt, () => { reject(ApplicationFailure.create({ message: 'the worker died', type: 'Died', nextRetryDelay: 200 })); });
      });
      try {
        return await Promise.race([work(), death]);
      } finally {
        deaths.delete(attempt);
      }
    },
    cloudClient: () => clientOf(cloud, at),
  };
}

function clientOf(cloud: Cloud, at: Injector['at']): CloudClient {
  const by = (as: Writer): Writer & { readonly attempt: string } => ({ ...as, attempt: whoAsks().attempt });
  const names = (items: readonly Item[]): string => items.map((item) => (item.name.includes('/') ? 'copy' : item.name)).join(',');
  return {
    list: (account) => at({ point: 'cloud.list', kind: 'list', target: account, partly: () => { const listing = cloud.list(account); return { ...listing, items: listing.items.slice(0, 2) }; } }, () => cloud.list(account)),
    get: (account, name) => at({ point: `cloud.get ${name.includes('/') ? 'copy' : name}`, kind: 'read', target: account }, () => cloud.get(account, name)),
    claim: (account, as) => {
      const caller = by(as);
      return at({ point: 'cloud.claim', kind: 'write', target: account, later: () => { cloud.later(account, LATE_MS, { call: 'claim', as: caller }); } }, () => { cloud.claim(account, caller); });
    },
    putMany: (account, items, as) => {
      const caller = by(as);
      const half = Math.ceil(items.length / 2);
      return at({
        point: `cloud.put ${names(items)}`,
        kind: items.length > 1 ? 'many' : 'write',
        target: account,
        later: () => { cloud.later(account, LATE_MS, { call: 'putMany', items, as: caller }); },
        partly: () => { cloud.putMany(account, items, caller, half); },
      }, () => { cloud.putMany(account, items, caller); });
    },
  };
}

/** The attempt that this call belongs to, and the target that its workflow is about. */
function whoAsks(): { readonly attempt: string; readonly step: string; readonly target?: string } {
  const { activityType, activityId, attempt, workflowExecution } = activityInfo();
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const target = /^(?:incident\/[^/]+\/|check\/[^/]+-now-)(.+)$/.exec(workflowId)?.[1];
  return { attempt: `${activityType} ${runId.slice(-12)}/${activityId}@${attempt}`, step: activityType, ...(target === undefined ? {} : { target }) };
}
