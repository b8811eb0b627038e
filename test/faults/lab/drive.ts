import { setTimeout as sleep } from 'node:timers/promises';
import type { HoldfastClient } from '../../../src/client.js';
import type { IncidentRow } from '../../../src/ledger/ledger.js';
import type { Cloud } from './cloud.js';
import { DRIFT, MOVED, pathNamed, type Act, type Path } from './paths.js';
import { environmentOf, isCheckedAlone, type Case } from './plan-of-group.js';
import { personOf } from './person.js';
import type { Standstill } from './standstill.js';
import type { Watch } from './watch.js';

/** What the people and the schedule of a case work with. */
export interface Driving {
  readonly client: HoldfastClient;
  readonly watch: Watch;
  readonly standstill: Standstill;
  readonly cloud: Cloud;
  readonly giveUpMs: number;
  /** Whether the run of the target's incident is over. */
  readonly isOver: (environment: string, target: string) => Promise<boolean>;
}

const EVERY_MS = 250;
/** So long a person waits for the effect of a decision, or for a moved plan, before saying the same again: how often is not left to chance. */
const SAME_AGAIN_MS = 10_000;
/** Where nothing goes on for so long, the schedule looks again. */
const SCHEDULE_MS = 8_000;

/**
 * Plays everyone around one case, until a check after the last incident's end opens nothing: the drift, the schedule, and
 * the people of the path. Each looks at what is there and acts on that; what fails is done again.
 */
export async function drive(each: Case, driving: Driving): Promise<IncidentRow | undefined> {
  const { client, watch, cloud, giveUpMs, isOver } = driving;
  const path = pathNamed(each.path);
  const address = { environment: environmentOf(each), target: each.target };
  const person = personOf(each, driving);
  const acting = actor(each, path, { ...driving, person });
  const until = Date.now() + giveUpMs;
  cloud.drift(each.target, DRIFT);
  let row: IncidentRow | undefined;
  let isAlone = isCheckedAlone(each);
  let undone = path.undo !== true;
  let seen = '';
  let stillSince = Date.now();
  const check = (): Promise<unknown> => client.startCheck(address.environment, each.target).then((started) => client.waitForCheck(started)).catch(() => undefined);
  while (Date.now() < until) {
    row = watch.latest(each);
    if (row === undefined) {
      // Only the first look is taken for all at once: later ones would come in the middle of repairs.
      await (isAlone ? check() : watch.checkAll(address.environment));
      isAlone = true;
      if ((await watch.fresh(each)) === undefined) await sleep(EVERY_MS);
      continue;
    }
    if (row.closedAt !== undefined) {
      if (!(await isOver(address.environment, each.target).catch(() => false))) {
        await sleep(EVERY_MS);
        continue;
      }
      if (isCheckedAlone(each) || row.outcome !== path.outcome) {
        await check();
        if ((await watch.fresh(each))?.number !== row.number) continue;
      }
      if (undone || row.outcome !== 'fixed') return row;
      const { number } = row;
      const answer = await person('undo', () => client.command(address.environment, { command: 'undo', scope: `${address.environment}/${each.target}`, incident: number, by: 'alice', reason: 'it was meant to be so' })).catch(() => undefined);
      undone = answer?.ok === true || (await watch.fresh(each))?.kind === 'undo';
      continue;
    }
    undone ||= row.kind === 'undo';
    if (await acting(row)) await check();
    const now = `${row.number} ${row.phase} ${row.parts.length}`;
    if (now !== seen) stillSince = Date.now();
    seen = now;
    if (Date.now() - stillSince > SCHEDULE_MS) {
      stillSince = Date.now();
      // A breaker that another case closed must not hold this one.
      if (row.phase === 'waiting' && (await watch.isBroken(address.environment))) await client.command(address.environment, { command: 'release', scope: address.environment, gate: 'breaker', by: 'alice', reason: 'it was looked at' }).catch(() => undefined);
      await check();
    }
    await sleep(EVERY_MS);
  }
  return row;
}

/** Does what is next once its phase is there; the last act is done as often as it is asked for. Answers whether a check should look now. */
function actor(each: Case, { acts = [] }: Path, { client, cloud, person }: Driving & { readonly person: ReturnType<typeof personOf> }): (row: IncidentRow) => Promise<boolean> {
  let next = 0;
  let known: { readonly plan: string; readonly at: number } | undefined;
  const { target } = each;
  const address = { environment: environmentOf(each), target };
  const does: Readonly<Record<Act['does'], () => Promise<'done' | 'look' | 'again'>>> = {
    approve: () => decide('approve'),
    reject: () => decide('reject'),
    cancel: async () => {
      if (next < acts.length) await person('cancel', () => client.cancelIncident(address));
      return 'done';
    },
    move: async () => {
      const plan = await askedPlan();
      if (plan === undefined) return 'again';
      known = { plan, at: Date.now() };
      cloud.drift(target, MOVED, 'moved');
      return 'look';
    },
    clear: async () => { cloud.drift(target, cloud.desired(target), 'cleared'); return 'look'; },
  };
  return async ({ phase }) => {
    const act = acts[Math.min(next, acts.length - 1)];
    if (act === undefined || act.at !== phase) return false;
    if (next >= acts.length && (act.does === 'clear' || act.does === 'move')) return false;
    const result = await does[act.does]().catch(() => 'again' as const);
    if (result !== 'again') next += 1;
    return result === 'look';
  };

  async function decide(decision: 'approve' | 'reject'): Promise<'done' | 'again'> {
    const plan = await askedPlan();
    if (plan === undefined || (plan === known?.plan && Date.now() - known.at < SAME_AGAIN_MS)) return 'again';
    const { result } = await person(decision, () => client.decide(address, { decision, by: 'alice', plan, ...(decision === 'reject' ? { reason: 'not now' } : {}) }));
    if (result !== 'accepted' && result !== 'already-decided') return 'again';
    known = { plan, at: Date.now() };
    return 'done';
  }

  async function askedPlan(): Promise<string | undefined> {
    return (await client.incidentStatus(address))?.parts.find((part) => part.phase === 'awaiting-approval')?.plan;
  }
}
