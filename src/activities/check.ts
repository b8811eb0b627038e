import { activityInfo } from '@temporalio/activity';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { formatAddress } from '../domain/address.js';
import { isHoldfastError } from '../domain/errors.js';
import type { Observation } from '../domain/change.js';
import { changesInBrief } from '../domain/describe.js';
import { sightingAction } from '../domain/sighting.js';
import type { Revision, Target } from '../domain/target.js';
import { environmentOf, targetOf } from '../config/config.js';
import { startEnvironment } from '../client.js';
import type { IncidentKind, IncidentRow } from '../ledger/ledger.js';
import { look } from '../providers/look.js';
import type { ReadContext } from '../providers/provider.js';
import { INCIDENT_SIGNALS, incidentWorkflowId, searchAttributes, WORKFLOW_QUEUE } from '../workflows/messages.js';
import { NO_ANSWER } from './batches.js';
import { inStep } from './context.js';
import { type Dependencies, providerOf } from './deps.js';
import { findEnded, isGone, numberOfRun } from './ended.js';
import { inLanes } from './lanes.js';
import { endLost } from './lost.js';
import { relevantChanges } from './relevant.js';
import { tellAbout } from './telling.js';
import { heeding, pausedUntil } from './throttle.js';
import type { BatchResult, ControlActivities, ReadActivities, Undone } from './types.js';

/** The run of the incident before ends within moments; what holds the id for longer is something else. */
const BLOCKED_AFTER_MS = 5 * 60_000;

/** The steps of a check: what its targets look like, and what an incident must hear. */
export function checkActivities(deps: Dependencies): Pick<ControlActivities, 'recordUnread'> & Pick<ReadActivities, 'observe'> {
  return {
    async observe({ environment, targets, commits }): Promise<BatchResult> {
      return inStep(deps, async (ctx) => {
        const config = await deps.config();
        const reads = environmentOf(config, environment)?.limits.reads ?? 1;
        return eachTarget(deps, { targets, reads }, async (name, record) => {
          const target = targetOf(config, environment, name);
          return target === undefined ? undefined : record(target, await observeTarget(deps, target, ctx, commits));
        });
      });
    },

    async recordUnread({ environment, targets, reason }): Promise<BatchResult> {
      return inStep(deps, async () => {
        const config = await deps.config();
        return eachTarget(deps, { targets, reads: 1 }, async (name, record) => {
          const target = targetOf(config, environment, name);
          return target === undefined ? undefined : record(target, unread(reason));
        });
      });
    },
  };
}

/** One look at one target, with a limit of its own: a target that hangs is unknown alone and holds nobody. */
export async function observeTarget(deps: Dependencies, target: Target, ctx: ReadContext, commits: Readonly<Record<string, string>> = {}): Promise<Observation> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Observation>((resolve) => {
    timer = setTimeout(() => {
      limit.abort();
      resolve(unread(`${NO_ANSWER} ${target.observeTimeoutMs} ms`));
    }, target.observeTimeoutMs);
  });
  const signal = AbortSignal.any([ctx.signal, limit.signal]);
  try {
    return await Promise.race([tooLate, readTarget(deps, target, { ...ctx, signal }, commits)]);
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    return unread(error instanceof Error ? error.message.split('\n')[0] ?? '' : 'the look failed');
  } finally {
    clearTimeout(timer);
  }
}

async function readTarget(deps: Dependencies, target: Target, ctx: ReadContext, commits: Readonly<Record<string, string>>): Promise<Observation> {
  const until = pausedUntil(deps, target);
  if (until !== undefined) return unread(`throttled: its engine asked to be left alone; it is asked again after ${until}`);
  return look(heeding(deps, target, providerOf(deps, target)), target, await revisionOf(deps, target, ctx, commits), ctx);
}

export async function revisionOf(deps: Dependencies, target: Target, ctx: ReadContext, commits: Readonly<Record<string, string>> = {}): Promise<Revision> {
  return deps.sources.resolve(target.source, ctx, commits);
}

/**
 * Opens what nobody reads any more: a target whose last look is older than its schedule and
 * `blindAfter` allow, because a schedule was paused or lost, is `unknown` like one that cannot be read.
 * `watchedSince` (ISO, UTC) is when this process began: after an outage the catch-up check comes first.
 */
export async function recordOverdue(deps: Dependencies, watchedSince: string): Promise<void> {
  const config = await deps.config();
  const now = deps.now().getTime();
  const rows = new Map((await deps.ledger.targets()).map((row) => [formatAddress(row), row]));
  for (const target of config.targets) {
    const row = rows.get(formatAddress(target));
    const intervalMs = environmentOf(config, target.environment)?.schedule.intervalMs;
    if (row === undefined || intervalMs === undefined) continue;
    if (now - Math.max(Date.parse(row.at), Date.parse(watchedSince)) > intervalMs + target.blindAfterMs) await sight(deps, target, unread(`overdue: no check since ${row.at}`));
  }
}

function unread(reason: string): Observation {
  return { verdict: 'unknown', reason, revision: '', identity: {}, changes: [], resources: 0, skipped: [] };
}

interface Seen {
  readonly target: string;
  readonly verdict: Observation['verdict'];
  readonly opened: boolean;
  /** It was looked at, and the record could not take it. */
  readonly unrecorded?: true;
}

/** Records a look, and starts or tells the incident where the memory of the ledger says that this is new. */
async function sight(deps: Dependencies, target: Target, observation: Observation): Promise<Seen> {
  const at = deps.now().toISOString();
  // First what was ended from outside: it settles changes that would open an incident again.
  const open = await findOpen(deps, target, at);
  const { drift, changes } = await relevantChanges(deps.ledger, target, observation, at);
  const seen = await deps.ledger.observed({ address: { environment: target.environment, target: target.target }, at, observation, driftFingerprint: drift });
  if (seen.previous === undefined && open === undefined) await endLost(deps, target);
  const fingerprints = new Set(changes.map((change) => change.fingerprint));
  const action = sightingAction({
    now: at,
    verdict: observation.verdict,
    drift,
    firstSeen: seen.sightings.filter((each) => fingerprints.has(each.fingerprint)).map((each) => each.firstSeen),
    settleMs: target.settleMs,
    blindAfterMs: target.blindAfterMs,
    since: seen.previous?.verdict === observation.verdict ? seen.previous.since : at,
    ...(seen.previous?.lastKnownAt === undefined ? {} : { lastKnownAt: seen.previous.lastKnownAt }),
    ...(open === undefined ? {} : { open }),
  });
  if (action.action === 'open') await openIncident(deps, target, { drift, kind: action.kind, at });
  if (action.action === 'tell' && open !== undefined) {
    await tellIncident(deps, open, drift);
  }
  return { target: target.target, verdict: observation.verdict, opened: action.action === 'open' };
}

/** One whose run has ended hears nothing; a later check closes its record, and the other targets of the batch do not wait for that. */
async function tellIncident(deps: Dependencies, open: IncidentRow, drift: string): Promise<void> {
  try {
    await deps.client.workflow.getHandle(incidentWorkflowId(open.environment, open.target)).signal(INCIDENT_SIGNALS.observed, { drift });
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  await deps.ledger.updateIncident(open, { drift });
}

/** The open incident, unless its run was ended behind its back; one that was recorded but never started is started. */
async function findOpen(deps: Dependencies, target: Target, at: string): Promise<IncidentRow | undefined> {
  const row = await deps.ledger.incident(target);
  if (row === undefined || row.closedAt !== undefined) return undefined;
  if (row.runId === undefined) {
    const undoes = row.kind === 'undo' ? await undoneBy(deps, row) : undefined;
    // An undo of which nothing is said yet is under way in the command that opened it.
    if (row.kind !== 'undo' || undoes !== undefined) await startIncident(deps, target, row, undoes);
    return row;
  }
  return (await findEnded(deps, target, row, at)) ? undefined : row;
}

interface Opening {
  readonly drift: string;
  readonly kind: IncidentKind;
  readonly at: string;
}

async function openIncident(deps: Dependencies, target: Target, { drift, kind, at }: Opening): Promise<void> {
  const after = await endLost(deps, target);
  const { row } = await deps.ledger.openIncident({ address: { environment: target.environment, target: target.target }, at, drift: kind === 'blind' ? 'unknown' : drift, kind, after });
  await ensureGuard(deps, target.environment);
  await startIncident(deps, target, row);
}

/** Asked for once a minute: a thousand incidents of one check need one guard, and a part that finds none starts it. */
const GUARD_KNOWN_MS = 60_000;
const guards = new WeakMap<Dependencies['client'], Map<string, number>>();

async function ensureGuard({ client, now }: Dependencies, environment: string): Promise<void> {
  const known = guards.get(client) ?? new Map<string, number>();
  guards.set(client, known);
  if (now().getTime() - (known.get(environment) ?? 0) < GUARD_KNOWN_MS) return;
  await startEnvironment(client, environment);
  known.set(environment, now().getTime());
}

export async function startIncident(deps: Dependencies, target: Target, row: IncidentRow, undoes?: Undone): Promise<void> {
  const incident = { environment: row.environment, target: row.target, number: row.number };
  const fingerprint = row.drift.slice(0, 60);
  const handle = await deps.client.workflow.start('incident', {
    taskQueue: WORKFLOW_QUEUE,
    workflowId: incidentWorkflowId(row.environment, row.target),
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    memo: { incident: row.number },
    args: [{ incident, kind: row.kind, pool: target.pool, ...(undoes === undefined ? {} : { undoes }) }],
    staticSummary: `${formatAddress(target)}#${row.number}: ${row.kind === 'blind' ? 'could not be read' : row.kind === 'undo' ? `undo of #${undoes?.number ?? 0}` : 'drift'}`,
    staticDetails: `Holdfast found that **${formatAddress(target)}** is not what its desired state says. This workflow holds the whole incident: what drifted, what was decided, what was done. The current details say where it stands and how to approve, stop or undo it.`,
    typedSearchAttributes: searchAttributes({
      HoldfastEnvironment: row.environment,
      HoldfastTarget: row.target,
      HoldfastProvider: target.provider,
      HoldfastPhase: 'deciding',
      HoldfastFingerprint: fingerprint,
      HoldfastRecurrence: row.number,
      ...(target.owner === undefined ? {} : { HoldfastOwner: target.owner }),
    }),
  });
  // The run of the incident before may still be ending; the next check starts this one then.
  const running = await numberOfRun(handle);
  if (running === row.number) await deps.ledger.updateIncident(incident, { runId: handle.firstExecutionRunId });
  else if (typeof running === 'number' && (await deps.ledger.incident(row, running)) === undefined) await endLost(deps, target);
  else if (deps.now().getTime() - Date.parse(row.openedAt) > BLOCKED_AFTER_MS) await tellBlocked(deps, target, row);
}

/** What an undo puts back, as the record says it: one that was asked for while the run before it was still ending is started with that. */
async function undoneBy(deps: Dependencies, row: IncidentRow): Promise<Undone | undefined> {
  const part = row.undoes === undefined ? undefined : (await deps.ledger.incident(row, row.undoes))?.parts.find((each) => each['outcome'] === 'fixed');
  if (row.undoes === undefined || typeof part?.['plan'] !== 'string') return undefined;
  for await (const { by = '', data } of deps.ledger.entries({ environment: row.environment, target: row.target, incident: row.number, kinds: ['decided'] })) {
    if (data['decision'] === 'undo') return { number: row.undoes, part: Number(part['part']), plan: part['plan'], by, reason: typeof data['reason'] === 'string' ? data['reason'] : '' };
  }
  return undefined;
}

/** Another workflow holds the incident's id, and nothing of Holdfast's ends it: a person must. */
async function tellBlocked(deps: Dependencies, target: Target, row: IncidentRow): Promise<void> {
  const name = `${formatAddress(target)}#${row.number}`;
  await tellAbout(deps, target, {
    event: 'needs-human',
    subject: name,
    at: deps.now().toISOString(),
    title: `${name} cannot start: another workflow runs under its id`,
    text: `Look at the workflow ${incidentWorkflowId(row.environment, row.target)} in the Temporal UI. If it is not an incident of Holdfast, terminate it; the next check starts this one.`,
    commands: [`holdfast status ${formatAddress(target)}`],
    key: 'blocked',
  });
}

interface Batch {
  readonly targets: readonly string[];
  readonly reads: number;
}

type Recording = (target: Target, observation: Observation) => Promise<Seen>;

/** What stops one target for good is said of it alone; what may pass stops the batch, which is tried again. */
async function eachTarget(deps: Dependencies, { targets, reads }: Batch, work: (target: string, record: Recording) => Promise<Seen | undefined>): Promise<BatchResult> {
  const seen: Seen[] = [];
  const record = recording(deps);
  await inLanes(targets, reads, async (target) => {
    const result = await work(target, record).catch((error: unknown): Seen => {
      if (!isHoldfastError(error) || error.retryable) throw error;
      deps.log.error('a target cannot be recorded', { target, error: error.message });
      return { target, verdict: 'unknown', opened: false };
    });
    if (result !== undefined) seen.push(result);
  });
  return countsOf(seen);
}

/**
 * Without a ledger detection goes on: once an attempt has failed for it, the next one looks, says what
 * it saw and that nothing is recorded, and starts nothing. The check after its return finds it all again.
 */
function recording(deps: Dependencies): Recording {
  const { attempt } = activityInfo();
  let isAway = false;
  return async (target, observation) => {
    if (!isAway) {
      try {
        return await sight(deps, target, observation);
      } catch (error) {
        if (!isHoldfastError(error, 'Unreachable') || attempt < 2) throw error;
        isAway = true;
        deps.log.error('the record is away: what is seen is not recorded, and no incident is opened', { error: error.message });
      }
    }
    deps.log.warn('seen, not recorded', { target: formatAddress(target), verdict: observation.verdict, changes: observation.changes.length, what: changesInBrief(observation.changes) });
    return { target: target.target, verdict: observation.verdict, opened: false, unrecorded: true };
  };
}

function countsOf(seen: readonly Seen[]): BatchResult {
  const of = (verdict: Observation['verdict']): readonly Seen[] => seen.filter((each) => each.verdict === verdict);
  const unknownTargets = of('unknown').map((each) => each.target);
  const opened = seen.filter((each) => each.opened).map((each) => each.target);
  const unrecorded = seen.filter((each) => each.unrecorded === true).length;
  return {
    clean: of('clean').length,
    drifted: of('drifted').length,
    unknown: unknownTargets.length,
    ...(unrecorded === 0 ? {} : { unrecorded }),
    ...(unknownTargets.length === 0 ? {} : { unknownTargets }),
    ...(opened.length === 0 ? {} : { opened }),
  };
}
