import { activityInfo } from '@temporalio/activity';
import { formatAddress } from '../../domain/address.js';
import { isHoldfastError } from '../../domain/errors.js';
import type { Observation } from '../../domain/change.js';
import { changesInBrief } from '../../domain/describe.js';
import { sightingAction } from '../../domain/deciding/sighting.js';
import type { Target } from '../../domain/target.js';
import { environmentOf, targetOf } from '../../config/config.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import { INCIDENT_SIGNALS, incidentWorkflowId } from '../../workflows/messages.js';
import { isBranchGone, waitingBranches } from '../adopting/adopted.js';
import { inStep } from '../context.js';
import { wakeDependants } from '../incidents/dependants.js';
import type { Dependencies } from '../deps.js';
import { findEnded, tellEndedAgain } from '../incidents/ended.js';
import { isGone } from '../incidents/gone.js';
import { askEngine, wasBusy } from './engine.js';
import { inLanes } from '../lanes.js';
import { endLost } from '../incidents/lost.js';
import { observeTarget, unread } from './observe.js';
import { recordNoise } from './noise.js';
import { relevantChanges } from './relevant.js';
import { openIncident, startIncident, undoneBy } from '../incidents/start.js';
import { decidedUnder, toldText, underOf } from '../deciding/under.js';
import { wakeAll } from '../incidents/waking.js';
import type { ReadContext } from '../../providers/provider.js';
import type { BatchResult, ControlActivities, ReadActivities } from '../types.js';

/** The steps of a check: what its targets look like, and what an incident must hear. */
export function checkActivities(deps: Dependencies): Pick<ControlActivities, 'recordUnread'> & Pick<ReadActivities, 'observe'> {
  return {
    async observe({ environment, targets, commits }): Promise<BatchResult> {
      return inStep(deps, async (ctx) => {
        const config = await deps.config();
        const reads = environmentOf(config, environment)?.limits.reads ?? 1;
        return eachTarget(deps, { targets, reads }, async (name, record) => {
          const target = targetOf(config, environment, name);
          if (target === undefined) return undefined;
          const observation = await observeTarget(deps, target, ctx, commits);
          const seen = await record(target, observation, ctx);
          if (seen.unrecorded !== true) await lookAtEngine(deps, target, observation, ctx);
          return seen;
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

/** A repair that waits for the engine polls nothing: a check that comes by anyway sees whether it is done. */
async function lookAtEngine(deps: Dependencies, target: Target, { verdict, changes }: Observation, ctx: ReadContext): Promise<void> {
  if (verdict !== 'drifted' || !(await wasBusy(deps, target))) return;
  const { isOver } = await askEngine(deps, target, changes, ctx);
  if (isOver) await wakeAll(deps, [target]);
}

interface Seen {
  readonly target: string;
  readonly verdict: Observation['verdict'];
  readonly opened: boolean;
  /** It was looked at, and the record could not take it. */
  readonly unrecorded?: true;
}

/** Records a look, and starts or tells the incident where the memory of the ledger says that this is new. */
async function sight(deps: Dependencies, target: Target, observation: Observation, ctx?: ReadContext): Promise<Seen> {
  const at = deps.now().toISOString();
  // First what was ended from outside: it settles changes that would open an incident again.
  const open = await findOpen(deps, target, at);
  const { drift, changes, quiet } = await relevantChanges(deps, target, observation, at);
  // What nobody is told of needs no digest of it: most targets, at most checks.
  const under = changes.length === 0 ? undefined : decidedUnder(await deps.config(), target);
  const told = toldText(drift, under);
  const seen = await deps.ledger.observed({ address: { environment: target.environment, target: target.target }, at, observation, driftFingerprint: drift });
  await recordNoise(deps.ledger, target, quiet, at);
  if (seen.previous === undefined && open === undefined) await endLost(deps, target);
  const fingerprints = new Set(changes.map((change) => change.fingerprint));
  const action = sightingAction({
    now: at,
    verdict: observation.verdict,
    drift: told,
    firstSeen: seen.sightings.filter((each) => fingerprints.has(each.fingerprint)).map((each) => each.firstSeen),
    settleMs: target.settleMs,
    blindAfterMs: target.blindAfterMs,
    since: seen.previous?.verdict === observation.verdict ? seen.previous.since : at,
    ...(seen.previous?.lastKnownAt === undefined ? {} : { lastKnownAt: seen.previous.lastKnownAt }),
    ...(open === undefined ? {} : { open }),
  });
  // Put right by hand: no incident ends that what comes after it would hear of.
  if (open === undefined && observation.verdict === 'clean' && seen.previous?.verdict === 'drifted') await wakeDependants(deps, target);
  // The time of a change that was first seen while the incident is open begins with this look.
  if (open !== undefined && target.settleMs > 0 && seen.sightings.some((each) => each.firstSeen === at && fingerprints.has(each.fingerprint))) await wakeAll(deps, [open]);
  if (action.action === 'open') await openIncident(deps, target, { drift: told, kind: action.kind, at });
  if (open !== undefined && (action.action === 'tell' || (observation.verdict !== 'unknown' && ctx !== undefined && (await losesBranch(deps, target, open, ctx))))) await tellIncident(deps, open, { drift: told, isElse: under !== undefined && underOf(open) !== under });
  return { target: target.target, verdict: observation.verdict, opened: action.action === 'open' };
}

/** A branch that waits to be merged is looked for while the incident is open: without it the part is decided again. */
async function losesBranch(deps: Dependencies, target: Target, open: IncidentRow, ctx: ReadContext): Promise<boolean> {
  for (const branch of waitingBranches(open)) if (await isBranchGone(deps, target, branch, ctx)) return true;
  return false;
}

/**
 * One whose run has ended hears nothing; a later check closes its record, and the other targets of the
 * batch do not wait for that. `isElse`: the configuration is another one, so that what waits asks its gates again.
 */
async function tellIncident(deps: Dependencies, open: IncidentRow, { drift, isElse }: { readonly drift: string; readonly isElse: boolean }): Promise<void> {
  try {
    await deps.client.workflow.getHandle(incidentWorkflowId(open.environment, open.target)).signal(INCIDENT_SIGNALS.observed, { drift, ...(isElse ? { configuration: true } : {}) });
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

interface Batch {
  readonly targets: readonly string[];
  readonly reads: number;
}

type Recording = (target: Target, observation: Observation, ctx?: ReadContext) => Promise<Seen>;

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
  return async (target, observation, ctx) => {
    if (!isAway) {
      try {
        if (attempt > 1) await tellEndedAgain(deps, target);
        return await sight(deps, target, observation, ctx);
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
