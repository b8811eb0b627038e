import { setTimeout as sleep } from 'node:timers/promises';
import type { DecideInput, HoldfastClient } from '../../../src/client.js';
import type { IncidentRow } from '../../../src/ledger/ledger.js';
import { decisionStatement } from '../../../src/trust/statement.js';
import type { Cloud } from './cloud.js';
import { driftOf, MOVED, pathNamed, type Act, type Path } from './paths.js';
import type { Person, Signers } from './people.js';
import { environmentOf, isCheckedAlone, PROJECT, type Case } from './plan-of-group.js';
import { personOf } from './person.js';
import { mergeBranch } from './remote.js';
import type { Standstill } from './standstill.js';
import type { Watch } from './watch.js';

/** What the people and the schedule of a case work with. */
export interface Driving {
  readonly client: HoldfastClient;
  readonly watch: Watch;
  readonly standstill: Standstill;
  readonly signers: Signers;
  readonly cloud: Cloud;
  readonly giveUpMs: number;
  /** Of the group. */
  readonly folder: string;
  /** Whether the run of the target's incident is over. */
  readonly isOver: (environment: string, target: string) => Promise<boolean>;
}

const EVERY_MS = 250;
/** How often a check looks whether what was accepted has lapsed. */
const SAID_AGAIN_MS = 1_000;
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
  cloud.drift(each.target, driftOf(path));
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
      // What was accepted is asked about again once its time is over.
      if (row.outcome === 'accepted' && path.outcome !== 'accepted') {
        await sleep(SAID_AGAIN_MS);
        await check();
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
function actor(each: Case, path: Path, { client, cloud, signers, person, folder }: Driving & { readonly person: ReturnType<typeof personOf> }): (row: IncidentRow) => Promise<boolean> {
  const { acts = [] } = path;
  const { target } = each;
  const address = { environment: environmentOf(each), target };
  const scope = `${address.environment}/${target}`;
  let next = 0;
  let moved: { readonly plan: string; readonly at: number } | undefined;
  /** Who has answered which question, and when. */
  const said = new Map<string, number>();
  const does: Readonly<Record<Act['does'], (act: Act) => Promise<'done' | 'look' | 'again'>>> = {
    approve: (act) => decide(act, { decision: 'approve' }),
    'break-glass': (act) => decide(act, { decision: 'approve', breakGlass: true, reason: 'checkout is down' }),
    reject: (act) => decide(act, { decision: 'reject', reason: 'not now' }),
    cancel: async () => {
      if (next < acts.length) await person('cancel', () => client.cancelIncident(address));
      return 'done';
    },
    move: async () => {
      const asked = await question();
      if (asked === undefined) return 'again';
      moved = { plan: asked.plan, at: Date.now() };
      cloud.drift(target, MOVED, 'moved');
      return 'look';
    },
    clear: async () => { cloud.drift(target, cloud.desired(target), 'cleared'); return 'look'; },
    accept: (act) => decide(act, { decision: 'accept', reason: 'a planned change', until: new Date(Date.now() + (act.forMs ?? 0)).toISOString() }),
    adopt: async (act) => ((await branch()) === undefined ? decide(act, { decision: 'adopt', reason: 'the load is real' }) : 'done'),
    merge: async () => {
      const made = await branch();
      // Refused, or given up: it is asked for again.
      if (made === undefined) return decide({ at: 'awaiting-approval', does: 'adopt' }, { decision: 'adopt', reason: 'the load is real' }).then(() => 'again');
      cloud.desire(target, mergeBranch(folder, target, made));
      return 'look';
    },
    freeze: () => command('freeze'),
    unfreeze: () => command('unfreeze'),
  };
  let tried = -1;
  return async ({ phase }) => {
    // What was said may have taken effect though nobody heard so.
    if (tried === next && acts[next]?.at !== phase && acts[next + 1]?.at === phase) next += 1;
    const act = acts[Math.min(next, acts.length - 1)];
    if (act === undefined || act.at !== phase) return false;
    if (next >= acts.length && (act.does === 'clear' || act.does === 'move' || act.does === 'merge')) return false;
    tried = next;
    const result = await does[act.does](act).catch(() => 'again' as const);
    if (result !== 'again') next += 1;
    return result === 'look';
  };

  async function command(name: 'freeze' | 'unfreeze'): Promise<'done'> {
    if (Date.now() - (said.get(name) ?? 0) < SAME_AGAIN_MS) return 'done';
    await person(name, () => client.command(address.environment, { command: name, scope, by: 'alice', reason: 'a pipeline is at work' }));
    said.set(name, Date.now());
    return 'done';
  }

  /** That waits to be merged. */
  async function branch(): Promise<string | undefined> {
    const part = (await client.incidentStatus(address))?.parts.find((one) => one.phase === 'awaiting-approval');
    return /branch (holdfast\/\S+) of /.exec(textOf(part?.waitsFor))?.[1];
  }

  async function decide({ by = ['alice'], once }: Act, words: Words): Promise<'done' | 'again'> {
    const asked = await question();
    if (asked === undefined || (asked.plan === moved?.plan && Date.now() - moved.at < SAME_AGAIN_MS) || (once === 'escalated' && !asked.isEscalated)) return 'again';
    const left = by.filter((name) => Date.now() - (said.get(`${asked.ask} ${name}`) ?? 0) >= SAME_AGAIN_MS);
    for (const name of left) {
      const { result } = await person(words.decision, () => client.decide(address, signed(name, words, asked)));
      if (result !== 'accepted' && result !== 'already-decided') return 'again';
      said.set(`${asked.ask} ${name}`, Date.now());
    }
    return left.length === 0 ? 'again' : 'done';
  }

  function signed(by: Person, words: Words, { plan, ask, number }: Question): DecideInput {
    const message = { ...words, by };
    if (path.approvals?.trust !== 'signed') return { ...message, plan };
    return { ...message, plan, signature: signers.sign(by, decisionStatement({ project: PROJECT, incident: { ...address, number }, question: { plan, ask } }, message)) };
  }

  async function question(): Promise<Question | undefined> {
    const status = await client.incidentStatus(address);
    const part = status?.parts.find((one) => one.phase === 'awaiting-approval');
    if (status === undefined || part?.plan === undefined) return undefined;
    const { plan, ask, requires } = part;
    return { plan, ask: textOf(ask), number: Number(status.incident.split('#')[1]), isEscalated: textOf(requires).includes('since it was escalated') };
  }
}

type Words = Pick<DecideInput, 'decision' | 'reason' | 'breakGlass' | 'until'>;

interface Question {
  readonly plan: string;
  readonly ask: string;
  readonly number: number;
  readonly isEscalated: boolean;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
