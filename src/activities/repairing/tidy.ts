import type { IncidentId } from '../../domain/address.js';
import type { Staged } from '../../domain/plan.js';
import type { Target } from '../../domain/target.js';
import type { IncidentRow } from '../../ledger/ledger.js';
import type { Provider, WriteContext } from '../../providers/provider.js';
import { stepName } from '../context.js';
import type { Dependencies } from '../deps.js';

/** No part is staged more often: each staging after the first follows a gate that closed or a drift that moved. */
const ROUNDS = 20;
/** Of the repairs whose retention has not passed, this many newest can still be undone. */
const UNDOABLE = 10;

/** What the newest staging of a part returned. */
export async function stagedOf(deps: Dependencies, incident: IncidentId, part: number): Promise<{ readonly key: string; readonly staged: Staged } | undefined> {
  for (let round = ROUNDS; round > 0; round -= 1) {
    const key = stepName({ incident, part, round }, 'stage');
    const staged = (await deps.ledger.stepDone(key)) as Staged | undefined;
    if (staged !== undefined) return { key, staged };
  }
  return undefined;
}

/** Whether the snapshot of a repair is kept, so that it can be undone. */
export async function isUndoable(deps: Dependencies, incident: IncidentId, part: number): Promise<boolean> {
  const found = await stagedOf(deps, incident, part);
  return found !== undefined && (await deps.ledger.stepDone(tidied(found.key))) === undefined;
}

/** Removes what earlier repairs of this target left behind, once they are too old or too many to be undone. Never fails a repair. */
export async function tidyEarlier(deps: Dependencies, target: Target, provider: Provider, ctx: WriteContext): Promise<void> {
  const { retentionMs } = await deps.config();
  const before = deps.now().getTime() - retentionMs.artifacts;
  const fixed = await deps.ledger.incidents({ environment: target.environment, target: target.target, outcome: 'fixed', limit: 100 });
  const old = fixed.filter((row, index) => index >= UNDOABLE || Date.parse(row.closedAt ?? row.openedAt) < before);
  for (const row of old) await tidyIncident(deps, provider, row, ctx).catch((error: unknown) => {
    deps.log.warn('what an earlier repair left could not be removed; it is tried again', { incident: row.number, error: error instanceof Error ? error.message : String(error) });
  });
}

async function tidyIncident(deps: Dependencies, provider: Provider, row: IncidentRow, ctx: WriteContext): Promise<void> {
  for (const part of row.parts) {
    const hash = part['plan'];
    const found = part['outcome'] === 'fixed' ? await stagedOf(deps, row, Number(part['part'])) : undefined;
    const plan = typeof hash === 'string' ? await deps.ledger.plan(hash) : undefined;
    if (found === undefined || plan === undefined || (await deps.ledger.stepDone(tidied(found.key))) !== undefined) continue;
    await provider.cleanup(plan, found.staged, ctx, { keepSnapshot: false });
    await deps.ledger.stepDone(tidied(found.key), true);
  }
}

function tidied(key: string): string {
  return `${key}/tidied`;
}
