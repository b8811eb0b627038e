import { ScheduleNotFoundError, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import type { EncryptionCodec } from '../codec/encryption.js';
import { HoldfastError } from '../domain/errors.js';
import { scheduleId, WORKFLOW_QUEUE } from '../workflows/messages.js';

export interface EnvironmentSchedule {
  readonly environment: string;
  readonly cron: readonly string[];
  readonly timezone: string;
  readonly jitterMs: number;
  /** The shortest time between two runs: the catch-up window. */
  readonly intervalMs: number;
}

export interface ScheduleInfo {
  readonly environment: string;
  readonly cron: readonly string[];
  readonly timezone: string;
  readonly paused: boolean;
  readonly note?: string;
  /** ISO, UTC. */
  readonly lastAt?: string;
  readonly nextAt?: string;
}

/** The part of the façade that speaks of schedules: one for each environment that has a cron. */
export interface ScheduleCalls {
  schedules(): Promise<readonly ScheduleInfo[]>;
  pauseSchedule(environment: string, note: string): Promise<void>;
  resumeSchedule(environment: string, note: string): Promise<void>;
  /** Makes the schedules those of the configuration; returns what was created, updated and removed. */
  syncSchedules(schedules: readonly EnvironmentSchedule[]): Promise<{ readonly created: readonly string[]; readonly updated: readonly string[]; readonly removed: readonly string[] }>;
}

/** `within` bounds a call in time. */
export function scheduleCalls(temporal: Client, within: <T>(work: () => Promise<T>) => Promise<T>): ScheduleCalls {
  const { schedule } = temporal;
  // Payloads of a schedule are encrypted when it is written: with another key it is written again.
  const key = newestKey(temporal);

  return {
    async schedules() {
      const found: ScheduleInfo[] = [];
      for await (const summary of schedule.list()) {
        const environment = /^check\/(.+)$/.exec(summary.scheduleId)?.[1];
        if (environment !== undefined) found.push(await describeSchedule(environment));
      }
      return found.sort((a, b) => a.environment.localeCompare(b.environment));
    },

    pauseSchedule: (environment, note) => handled(environment, (handle) => handle.pause(note)),
    resumeSchedule: (environment, note) => handled(environment, (handle) => handle.unpause(note)),

    async syncSchedules(wanted) {
      const present = new Set<string>();
      for await (const summary of schedule.list()) {
        if (summary.scheduleId.startsWith('check/')) present.add(summary.scheduleId.slice('check/'.length));
      }
      const created: string[] = [];
      const updated: string[] = [];
      const names = new Set(wanted.filter((each) => each.cron.length > 0).map((each) => each.environment));
      for (const each of wanted) {
        if (!names.has(each.environment)) continue;
        if (!present.has(each.environment)) {
          await schedule.create(scheduleOptions(each, key));
          created.push(each.environment);
        } else if (await changeSchedule(each)) updated.push(each.environment);
      }
      const removed = [...present].filter((environment) => !names.has(environment));
      for (const environment of removed) await schedule.getHandle(scheduleId(environment)).delete();
      return { created, updated, removed };
    },
  };

  async function describeSchedule(environment: string): Promise<ScheduleInfo> {
    const { spec, state, info, memo, action } = await schedule.getHandle(scheduleId(environment)).describe();
    const last = info.recentActions.at(-1)?.takenAt.toISOString();
    const next = info.nextActionTimes[0]?.toISOString();
    const cron = definitionOf(action, memo)?.cron;
    return {
      environment,
      cron: cron ?? [],
      timezone: spec.timezone ?? 'UTC',
      paused: state.paused,
      ...(state.note === undefined || state.note === '' ? {} : { note: state.note }),
      ...(last === undefined ? {} : { lastAt: last }),
      ...(next === undefined ? {} : { nextAt: next }),
    };
  }

  /** Only what differs is written, since every update is an action; a pause stays. */
  async function changeSchedule(wanted: EnvironmentSchedule): Promise<boolean> {
    const handle = schedule.getHandle(scheduleId(wanted.environment));
    const { action } = await handle.describe();
    const { spec, policies, action: own } = scheduleOptions(wanted, key);
    if (JSON.stringify(definitionOf(action)) === JSON.stringify(definitionOf(own))) return false;
    // One update: it is never gone, and what a person set on it stays.
    await handle.update(({ state }) => ({ spec, policies: policies ?? {}, action: own, state }));
    return true;
  }

  async function handled(environment: string, act: (handle: ReturnType<typeof schedule.getHandle>) => Promise<void>): Promise<void> {
    try {
      await within(() => act(schedule.getHandle(scheduleId(environment))));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) throw new HoldfastError('Refused', `${environment} has no schedule`, { cause: error, remedy: 'holdfast schedules sync makes the schedules of the configuration' });
      throw error;
    }
  }
}

function newestKey({ options }: Client): string | undefined {
  const codecs: readonly Partial<EncryptionCodec>[] = options.loadedDataConverter.payloadCodecs;
  return codecs.find((each) => each.newest !== undefined)?.newest;
}

/** SKIP overlap, and a catch-up of one interval: after an outage one check tells the whole truth. */
function scheduleOptions({ environment, cron, timezone, jitterMs, intervalMs }: EnvironmentSchedule, key: string | undefined): ScheduleOptions {
  return {
    scheduleId: scheduleId(environment),
    spec: { cronExpressions: [...cron], timezone, ...(jitterMs === 0 ? {} : { jitter: jitterMs }) },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: Math.max(intervalMs, 10_000) },
    action: {
      type: 'startWorkflow',
      workflowType: 'checkEnvironment',
      workflowId: `check/${environment}`,
      taskQueue: WORKFLOW_QUEUE,
      args: [{ environment }],
      // Of the runs, since the memo of a schedule itself can never be changed.
      memo: { schedule: { cron: [...cron], timezone, jitterMs, intervalMs, ...(key === undefined ? {} : { key }) } },
      staticSummary: `scheduled check of ${environment}`,
    },
  };
}

/** What a schedule was made from: text, so that it can be compared. Schedules of 0.1.0 have it in a memo of their own. */
function definitionOf({ memo }: { readonly memo?: Record<string, unknown> }, own?: Record<string, unknown>): Partial<EnvironmentSchedule> | undefined {
  return (memo?.['schedule'] ?? own?.['schedule']) as Partial<EnvironmentSchedule> | undefined;
}
