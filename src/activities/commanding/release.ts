import { formatAddress, parseAddress } from '../../domain/address.js';
import type { GateName } from '../../domain/gates/gate.js';
import { RELEASABLE } from '../../domain/gates/ask.js';
import type { CommandMessage } from '../../domain/message.js';
import { no, yes } from './answers.js';
import type { Dependencies } from '../deps.js';
import { openedBefore } from './done-before.js';
import type { CommandDone } from '../types.js';
import { openIn, stir } from '../incidents/waking.js';

/** What opens the others. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  freeze: 'holdfast unfreeze opens it',
  window: 'it opens by itself at its time',
  settling: 'it opens by itself once the change has been seen for the time of `settle`',
  'blast-radius': 'an approval of the plan opens it',
};
/** They stand for a whole environment, whichever target closed them. */
const OF_ENVIRONMENT: readonly GateName[] = ['breaker', 'budget', 'step-back'];

/** Clears what a person can clear, and says what moves now. */
export async function release(deps: Dependencies, { scope, by, reason, gate: named }: CommandMessage, at: string): Promise<CommandDone> {
  const gate = Object.hasOwn(RELEASABLE, named ?? '') ? RELEASABLE[named ?? ''] : undefined;
  if (gate === undefined) return no(`gate "${named ?? ''}" cannot be released${Object.hasOwn(ELSEWHERE, named ?? '') ? `: ${ELSEWHERE[named ?? ''] ?? ''}` : ''}; these can: ${Object.keys(RELEASABLE).join(', ')}`);
  if (gate === 'after') return goOnWithout(deps, { scope, by, reason }, at);
  const where = OF_ENVIRONMENT.includes(gate) ? (parseAddress(scope)?.environment ?? scope) : scope;
  const closed = (await deps.ledger.allClosedGates(at)).filter((row) => row.gate === gate && (row.scope === where || row.scope.startsWith(`${where}/`)));
  const earlier = await openedBefore(deps, { scope: where, by, reason }, [gate]);
  if (closed.length + earlier.length === 0 && gate !== 'budget') return no(`no ${named ?? gate} is closed in ${scope}`);
  // What was quarantined, or left half repaired, was settled too: releasing it means that it may be asked about again.
  // First, since an attempt that was cut short finds by the gate what is left to do.
  for (const row of closed) {
    const broken = row.gate === 'breaker' && row.incident !== undefined ? parseAddress(row.resource ?? '') : undefined;
    if (broken?.target !== undefined) await deps.ledger.unsettle({ environment: broken.environment, target: broken.target }, { incident: row.incident ?? 0 }, { at, by, reason });
    const address = parseAddress(row.scope);
    if (address?.target !== undefined && row.fingerprint !== undefined) await deps.ledger.unsettle({ environment: address.environment, target: address.target }, { fingerprints: [row.fingerprint] }, { at, by, reason });
  }
  const opened = [...earlier, ...(await deps.ledger.openGate({ scope: where, gate, by, reason, at }))];
  if (opened.length === 0 && gate === 'budget') return no(`nothing counts for the budget of ${where} now`);
  if (gate === 'step-back') await decideAgain(deps, where);
  // An open incident goes on with its other parts, and takes up again what was rolled back.
  if (gate === 'quarantine') for (const row of await openIn(deps, where)) if ([...closed, ...earlier].some((each) => each.scope === formatAddress(row))) await deps.ledger.updateIncident(row, { drift: RELEASED });
  const wake = await stir(deps, where);
  return { ...yes(releasedText(gate, { named: named ?? gate, where, opened: closed.length === 0 ? opened.length : closed.length + earlier.length })), ...wake };
}

/** Whoever waits for a dependency that was rolled back goes on without it; an open one is waited for all the same. */
async function goOnWithout(deps: Dependencies, { scope, by, reason }: Pick<CommandMessage, 'scope' | 'by' | 'reason'>, at: string): Promise<CommandDone> {
  const { environment = scope, target } = parseAddress(scope) ?? {};
  await deps.ledger.append({ at, kind: 'gate', environment, ...(target === undefined ? {} : { target }), by, data: { event: 'opened', gate: 'after', scope, reason } });
  const wake = await stir(deps, scope);
  return { ...yes(`${scope} goes on without what was rolled back before it; a dependency with an open incident is still waited for`), ...wake };
}

/** Equal to no drift that a check computes: what waits for a person because of the gate is told by the next check, whatever that sees. */
const RELEASED = 'released';

async function decideAgain(deps: Dependencies, scope: string): Promise<void> {
  for (const row of await openIn(deps, scope)) {
    const asked = row.parts.some((part) => Array.isArray(part['rules']) && part['rules'].includes('step-back') && part['outcome'] === undefined);
    if (asked) await deps.ledger.updateIncident(row, { drift: RELEASED });
  }
}

/** What moves now, and what moves it. */
function releasedText(gate: GateName, { named, where, opened }: { readonly named: string; readonly where: string; readonly opened: number }): string {
  const what = `released ${opened} ${named} in ${where}`;
  if (gate === 'breaker') return `${what}; what waits goes on now, and failed repairs are counted anew`;
  if (gate === 'budget') return `the budget of ${where} is whole again: ${opened} ${opened === 1 ? 'repair counts' : 'repairs count'} no more, and what waits goes on now`;
  if (gate === 'busy') return `${what}; what waits goes on now, unless the engine itself is still at work`;
  if (gate === 'step-back') return `${what}; the next check decides again what is asked about because of it`;
  return `${what}; the next check decides again`;
}
