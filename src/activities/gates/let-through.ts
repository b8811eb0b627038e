import { formatIncident, type IncidentId } from '../../domain/address.js';
import { failedIn, halfOpen, incidentOf, tripped, type Failure } from '../../domain/gates/breaker.js';
import { releasedBy, type GateAnswer } from '../../domain/gates/gate.js';
import { askGates } from '../../domain/gates/ask.js';
import type { Asking, GateFacts } from '../../domain/gates/facts.js';
import type { JsonObject } from '../../domain/json.js';
import { environmentOf } from '../../config/config.js';
import type { Place } from '../../ledger/ledger.js';
import { isAgain } from '../context.js';
import type { Dependencies } from '../deps.js';
import { signable } from '../telling.js';
import { openIn, wakeAll } from '../incidents/waking.js';

/** As often as others may be quicker: what is then still not decided is asked about again. */
const TRIES = 3;
const AGAIN_MS = 1_000;

type PartOf = { readonly incident: IncidentId; readonly part: number };

/** Who asks, as places name it: `prod/storefront#7/1`. */
export function holderOf({ incident, part }: PartOf): string {
  return `${formatIncident(incident)}/${part}`;
}

/**
 * Asks the gates for a part that would go on now, and takes what only so many may have: a place in
 * the budget, and the one that a half-open breaker lets through. Whoever is held by another gate
 * meanwhile gives the latter back, so that it keeps nobody waiting.
 */
export async function passGates(deps: Dependencies, facts: () => Promise<GateFacts>, asking: Asking & { readonly holder: string }): Promise<GateAnswer> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const known = await facts();
    const answer = askGates(known, asking);
    if (!answer.allowed) {
      if (isAgain() || known.rows.some((row) => row.gate === 'breaker' && row.holder === asking.holder)) await freeProbe(deps, known.environment ?? '', asking.holder);
      return answer;
    }
    await freeSpent(deps, known);
    if (await takeAll(deps, placesOf(known, asking))) return answer;
  }
  const opensAt = new Date(deps.now().getTime() + AGAIN_MS).toISOString();
  return { allowed: false, gate: 'breaker', reason: `others were let through first; it is asked again at ${opensAt}`, opensAt };
}

/** Those that were given for longer than the budget says now: the gate counts them no more, and neither may the ledger. */
async function freeSpent({ ledger }: Dependencies, { at, rows, budget }: GateFacts): Promise<void> {
  if (budget === undefined) return;
  for (const { scope, gate, holder, at: since = at } of rows) {
    if (gate === 'budget' && holder !== undefined && Date.parse(since) + budget.withinMs <= Date.parse(at)) await ledger.freePlace({ scope, gate, holder, at });
  }
}

function placesOf(facts: GateFacts, { automatic, holder, breakGlass }: Asking & { readonly holder: string }): readonly Place[] {
  const { at, budget, environment = '' } = facts;
  const breaker = breakGlass === true ? undefined : halfOpen(facts);
  return [
    ...(budget === undefined || !automatic ? [] : [{ scope: environment, gate: 'budget' as const, holder, max: budget.max, at, until: new Date(Date.parse(at) + budget.withinMs).toISOString() }]),
    ...(breaker === undefined ? [] : [{ scope: breaker, gate: 'breaker' as const, holder, max: 1, at }]),
  ];
}

/** All or none. */
async function takeAll({ ledger }: Dependencies, places: readonly Place[]): Promise<boolean> {
  for (const [index, place] of places.entries()) {
    if (await ledger.takePlace(place)) continue;
    for (const taken of places.slice(0, index)) await ledger.freePlace(taken);
    return false;
  }
  return true;
}

/** A repair of the part held to the end: if a breaker had let it through, that opens, and the others go on. */
export async function repairHeld(deps: Dependencies, part: PartOf): Promise<void> {
  const holder = holderOf(part);
  const { environment } = part.incident;
  const at = deps.now().toISOString();
  const rows = await deps.ledger.closedGates(part.incident, at);
  const wasLetThrough = rows.some((row) => row.gate === 'breaker' && row.holder === holder);
  if (!wasLetThrough) return;
  const failing = rows.find((row) => row.gate === 'breaker' && row.halfOpenAt !== undefined);
  if (failing !== undefined) await deps.ledger.liftGate(failing, { at, by: 'holdfast', reason: `the repair that was let through held: ${incidentOf(holder)}` });
  await wakeOthers(deps, environment, holder);
  await deps.ledger.freePlace({ scope: environment, gate: 'breaker', holder, at });
}

/** A repair of the part failed: so many within the time close the breaker, and so does the one that it let through. */
export async function repairFailed(deps: Dependencies, part: PartOf): Promise<void> {
  const holder = holderOf(part);
  const { environment } = part.incident;
  const now = deps.now().toISOString();
  const limit = environmentOf(await deps.config(), environment)?.limits.failures;
  if (limit === undefined) return letGo(deps, part);
  const rows = await deps.ledger.closedGates(part.incident, now);
  const wasLetThrough = rows.some((row) => row.gate === 'breaker' && row.holder === holder);
  const failures = await failuresSince(deps, environment, new Date(Date.parse(now) - limit.withinMs).toISOString());
  const own = failures.find((each) => each.part === holder);
  const trip = tripped(limit, failures, { part: holder, at: own?.at ?? now, wasLetThrough });
  if (trip === undefined) return;
  const before = rows.find((row) => row.gate === 'breaker' && row.halfOpenAt !== undefined);
  if (before?.halfOpenAt === undefined || before.halfOpenAt < trip.halfOpenAt) {
    await deps.ledger.closeGate({ scope: environment, gate: 'breaker', by: 'holdfast', at: own?.at ?? now, incident: part.incident.number, ...trip });
  }
  if (before === undefined || (before.halfOpenAt === trip.halfOpenAt && !wasLetThrough)) await tellClosed(deps, environment, trip);
  // Whoever waits for the end of the one that was let through hears when the next one is.
  if (before !== undefined) await wakeOthers(deps, environment, holder);
  for (const row of rows) if (row.gate === 'breaker' && row.holder !== undefined) await deps.ledger.freePlace({ scope: environment, gate: 'breaker', holder: row.holder, at: now });
}

/** A part ended, or is decided anew, without having been repaired: what was let through is given back. */
export async function letGo(deps: Dependencies, part: PartOf): Promise<void> {
  await freeProbe(deps, part.incident.environment, holderOf(part));
}

/** The same, for one that has written nothing: it does not count for the budget either. */
export async function unspent(deps: Dependencies, part: PartOf): Promise<void> {
  const { environment } = part.incident;
  const holder = holderOf(part);
  const spent = await deps.ledger.freePlace({ scope: environment, gate: 'budget', holder, at: deps.now().toISOString() });
  const through = await deps.ledger.freePlace({ scope: environment, gate: 'breaker', holder, at: deps.now().toISOString() });
  if (spent || through) await wakeOthers(deps, environment, holder);
}

async function freeProbe(deps: Dependencies, environment: string, holder: string): Promise<void> {
  if (await deps.ledger.freePlace({ scope: environment, gate: 'breaker', holder, at: deps.now().toISOString() })) await wakeOthers(deps, environment, holder);
}

/** Everybody who may wait for what the holder had, other parts of its own incident among them. */
async function wakeOthers(deps: Dependencies, environment: string, holder: string): Promise<void> {
  const open = await openIn(deps, environment);
  await wakeAll(deps, open.filter((row) => formatIncident(row) !== incidentOf(holder) || row.parts.some((part) => mayWait(row, part, holder))));
}

function mayWait(incident: IncidentId, { part, phase }: JsonObject, holder: string): boolean {
  return phase !== 'closed' && holderOf({ incident, part: Number(part) }) !== holder;
}

/** Since the breaker was last opened by anybody, the count begins anew. */
async function failuresSince(deps: Dependencies, environment: string, since: string): Promise<readonly Failure[]> {
  let failures: Failure[] = [];
  for await (const entry of deps.ledger.entries({ environment, kinds: ['rolled-back', 'closed', 'gate'], since })) {
    if (entry.kind === 'gate' && entry.data['gate'] === 'breaker' && entry.data['event'] === 'opened') failures = [];
    if (entry.target === undefined || entry.incident === undefined) continue;
    const incident = { environment, target: entry.target, number: entry.incident };
    failures.push(...failedIn(entry).map((part) => ({ part: holderOf({ incident, part }), at: entry.at })));
  }
  return failures;
}

async function tellClosed(deps: Dependencies, environment: string, { halfOpenAt, reason }: { readonly halfOpenAt: string; readonly reason: string }): Promise<void> {
  await deps.tell({
    event: 'needs-human',
    subject: environment,
    environment,
    at: deps.now().toISOString(),
    title: `the breaker of ${environment} stops new repairs: they wait`,
    text: `${reason}. At ${halfOpenAt} one repair is let through: if it holds, the others follow; if it fails, all wait as long again. Nothing is lost meanwhile: looking and approving go on.`,
    commands: signable(await deps.config(), environment, [`holdfast incidents ${environment} --since 1d`, releasedBy('breaker', environment)]),
  }, `breaker-${halfOpenAt}`);
}
