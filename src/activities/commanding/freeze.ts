import { ENGINE } from '../../domain/gates/busy.js';
import { scopeText, unfrozenBy } from '../../domain/gates/gate.js';
import { inUtc } from '../../domain/instant.js';
import type { CommandMessage } from '../../domain/message.js';
import type { ClosedGate } from '../../ledger/ledger.js';
import { no, yes } from './answers.js';
import type { Dependencies } from '../deps.js';
import { openedBefore } from './done-before.js';
import type { CommandDone } from '../types.js';
import { signable } from '../telling.js';
import { stir } from '../incidents/waking.js';

export async function freeze(deps: Dependencies, { scope, by, reason, until }: CommandMessage, at: string): Promise<CommandDone> {
  const ends = until === undefined ? undefined : inUtc(until);
  if (until !== undefined && ends === undefined) return no(`"until" is not a time: ${until}; write it as 2030-01-31T12:00:00Z`);
  if (ends !== undefined && ends <= at) return no(`"until" must lie in the future; ${ends} does not`);
  const standing = (await deps.ledger.allClosedGates(at)).find((row) => row.gate === 'freeze' && row.scope === scope && lasts(row, ends));
  if (standing !== undefined) return yes(`${scopeText(scope)} is frozen already, longer than that: by ${standing.by} until ${standing.until ?? 'it is unfrozen'}; holdfast unfreeze ends it`);
  await deps.ledger.closeGate({ scope, gate: 'freeze', by, reason, at, ...(ends === undefined ? {} : { until: ends }) });
  const wake = await stir(deps, scope);
  await deps.tell({ event: 'frozen', subject: scope, environment: scope.split('/')[0] ?? scope, at, title: `${scopeText(scope)} is frozen by ${by}`, text: reason, commands: signable(await deps.config(), scope, [unfrozenBy(scope)]) }, `freeze-${at}`);
  return { ...yes(`${scopeText(scope)} is frozen${ends === undefined ? ' until it is unfrozen' : ` until ${ends}`}: detection goes on, nothing is changed`), ...wake };
}

/** A pipeline that is at work: repairs wait for it, and nobody is told, since it is what happens every day. */
export async function workOn(deps: Dependencies, { scope, by, reason, until }: CommandMessage, at: string): Promise<CommandDone> {
  const ends = inUtc(until ?? '');
  if (ends === undefined || ends <= at) return no('work under way needs an end to come: holdfast freeze ADDRESS --for 30m');
  const other = (await worksOn(deps, scope, at)).find((row) => lasts(row, ends));
  if (other !== undefined) return yes(`${scopeText(scope)} is busy already, longer than that: ${other.by} works on it until ${other.until ?? ''}`);
  await deps.ledger.closeGate({ scope, gate: 'busy', by, reason, at, until: ends });
  const wake = await stir(deps, scope);
  return { ...yes(`${scopeText(scope)} is busy until ${ends}: repairs wait, and go on then or after holdfast unfreeze ${scope === '*' ? '--all' : scope}`), ...wake };
}

/** Ends a freeze and work under way of that scope, and of no other. */
export async function unfreeze(deps: Dependencies, { scope, by, reason }: CommandMessage, at: string): Promise<CommandDone> {
  const before = await openedBefore(deps, { scope, by, reason }, ['freeze', 'busy']);
  const opened = await deps.ledger.openGate({ scope, gate: 'freeze', by, reason, at });
  const works = await worksOn(deps, scope, at);
  for (const row of works) await deps.ledger.liftGate(row, { at, by, reason });
  const wake = await stir(deps, scope);
  if (opened.length + works.length + before.length === 0) return { ...no(`${scopeText(scope)} is not frozen`), ...wake };
  return { ...yes([...opened, ...before].every((row) => row.gate === 'busy') ? `${scopeText(scope)} is not busy any more` : `${scopeText(scope)} is not frozen any more`), ...wake };
}

/** What only stops needs no signature, so that it must not end sooner what stops already. */
function lasts(row: ClosedGate, until: string | undefined): boolean {
  return until !== undefined && (row.until === undefined || Date.parse(row.until) > Date.parse(until));
}

async function worksOn(deps: Dependencies, scope: string, at: string): Promise<readonly ClosedGate[]> {
  return (await deps.ledger.allClosedGates(at)).filter((row) => row.gate === 'busy' && row.scope === scope && row.path !== ENGINE);
}
