import { setImmediate as breathe } from 'node:timers/promises';
import { canonicalJson, hashJson } from '../../digest.js';
import type { TargetAddress } from '../../domain/address.js';
import { fingerprintOf, type Change } from '../../domain/change.js';
import { isHoldfastError, moved, refused } from '../../domain/errors.js';
import type { Json } from '../../domain/json.js';
import type { BlastRadius, Plan, PlanStep, Proposal } from '../../domain/plan.js';
import type { Revision } from '../../domain/target.js';
import type { PlanResult, ReadContext } from '../provider.js';
import { compareResource } from './differences.js';
import { shown } from './errors.js';
import { objection, repairsOf, resultOf, stepOf, type Repair } from './repair.js';
import { sealOf, sha256 } from './seal.js';
import { openSetup, type Live, type Setup } from './setup.js';

/** What is planned for: a target before there is a plan, or the plan itself. */
export interface Planned extends TargetAddress {
  readonly spec: Json;
}

/** Proposes the repair of exactly these changes. */
export async function plan(target: Planned, revision: Revision, changes: readonly Change[], ctx: ReadContext): Promise<PlanResult> {
  try {
    const setup = openSetup(target, target.spec, revision);
    const repairs = repairsOf(changes);
    if (repairs.length === 0) return { possible: false, reason: 'there is nothing to repair' };
    for (const [index, repair] of repairs.entries()) {
      if (index % 32 === 0) await turn(ctx, index);
      const reason = objection(setup, repair);
      if (reason !== undefined) return { possible: false, reason };
      // Tried on what is there now: a file whose fields cannot be told apart is said before anybody is asked.
      await resultOf(setup, repair);
    }
    return { possible: true, proposal: await proposalOf(setup, repairs, changes) };
  } catch (error) {
    if (!isHoldfastError(error) || error.retryable) throw error;
    return { possible: false, reason: error.remedy === undefined ? error.message : `${error.message}. ${error.remedy}` };
  }
}

/** Reading files is done at once; everybody else gets a turn now and then. */
async function turn(ctx: ReadContext, files: number): Promise<void> {
  await breathe();
  ctx.signal.throwIfAborted();
  ctx.heartbeat(`${files} files looked at`);
}

async function proposalOf(setup: Setup, repairs: readonly Repair[], changes: readonly Change[]): Promise<Proposal> {
  const sealed = await sealedOf(setup, changes);
  return {
    steps: stepsOf(setup, repairs),
    blastRadius: radiusOf(repairs),
    staging: setup.mode === 'link' || setup.spec.shadow !== undefined ? 'shadow' : 'dry-run',
    rollback: 'exact',
    fencing: 'conditional',
    ...(sealed === undefined ? {} : { sealed }),
  };
}

function stepsOf(live: Live, repairs: readonly Repair[]): PlanStep[] {
  const root = shown(live.root);
  return [
    ...repairs.map(stepOf),
    ...(live.mode === 'link' ? [{ action: 'switch', resource: root, summary: `switch ${root} to the new release` } as const] : []),
    ...(live.spec.reload === undefined ? [] : [{ action: 'reload', resource: root, summary: reloadSummary(live) } as const]),
  ];
}

/**
 * Refuses a plan that is not what would be planned now: another spec, another kind of root, or
 * changes that moved. Executing a plan decides nothing, so all of it is compared, and then done.
 */
export async function assertCurrent(setup: Setup, plan: Plan, repairs: readonly Repair[], ctx: ReadContext): Promise<void> {
  for (const [index, repair] of repairs.entries()) {
    if (index % 32 === 0) await turn(ctx, index);
    const reason = objection(setup, repair);
    if (reason !== undefined) throw refused(reason);
    const compared = await compareResource(setup, repair.resource);
    for (const change of repair.changes) {
      const seen = compared.differences.find((difference) => difference.kind === change.kind && difference.path === change.path);
      const same = seen !== undefined && seen.revision === change.revision && seen.sensitive === change.sensitive && fingerprintOf(plan, seen, hashJson) === fingerprintOf(plan, change, hashJson);
      if (!same) throw moved(`${shown(change.path)} of ${shown(change.resource)} is not as it was when this was planned`);
    }
  }
  if (canonicalJson(stepsOf(setup, repairs) as unknown as Json) !== canonicalJson(plan.steps as unknown as Json)) {
    throw moved(`${plan.environment}/${plan.target} would be repaired in other steps than planned`);
  }
  if ((await sealedOf(setup, plan.changes)) !== plan.sealed) throw moved('a value that is not shown is not as it was when this was planned');
}

/** Covers both sides of each sensitive change, so that the plan's hash holds for these values and no others. */
async function sealedOf(setup: Setup, changes: readonly Change[]): Promise<string | undefined> {
  const secret = changes.filter((change) => change.sensitive);
  if (secret.length === 0) return undefined;
  const values: Json[] = [];
  for (const { resource, path } of [...secret].sort((a, b) => (a.resource + a.path < b.resource + b.path ? -1 : 1))) {
    const { desired, live, fields } = await compareResource(setup, resource);
    const field = fields?.find((each) => each.path === path);
    if (field !== undefined) values.push([resource, path, field.desired ?? null, field.actual ?? null]);
    else values.push([resource, path, desired.type === 'file' ? sha256(desired.content) : null, live.type === 'file' ? sha256(live.content) : null]);
  }
  return sealOf(setup.address, values);
}

function radiusOf(repairs: readonly Repair[]): BlastRadius {
  const count = (action: Repair['action']): number => repairs.filter((repair) => repair.action === action).length;
  return { create: count('create'), update: count('update'), replace: count('replace'), delete: count('delete') };
}

function reloadSummary(live: Live): string {
  const how = live.spec.reload;
  if (how === undefined) return '';
  return 'signal' in how ? `send ${how.signal} to the process of ${shown(how.pidFile)}` : `run ${shown(how.command[0] ?? '')} so that it reads the files`;
}
