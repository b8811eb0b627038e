import { adoptActivities } from './adopt.js';
import { assessActivities } from './assess.js';
import { batchActivities } from './batches.js';
import { checkActivities } from './check.js';
import { closeActivities } from './close.js';
import { commandActivities } from './command.js';
import type { Dependencies } from './deps.js';
import { escalateActivities } from './escalate.js';
import { judgeActivities } from './judge.js';
import { measureActivities } from './measure.js';
import { repairActivities } from './repair.js';
import type { ControlActivities, ReadActivities, WriteActivities } from './types.js';

export interface Activities {
  readonly control: ControlActivities;
  readonly read: ReadActivities;
  readonly write: WriteActivities;
}

/** Every step, by who runs it: `control` on the workflow queue, `read` and `write` on the queues of a pool. */
export function createActivities(deps: Dependencies): Activities {
  const { recordUnread, observe } = checkActivities(deps);
  return {
    control: { recordUnread, ...batchActivities(deps), ...judgeActivities(deps), ...escalateActivities(deps), ...closeActivities(deps), ...commandActivities(deps) },
    read: { observe, ...assessActivities(deps), ...measureActivities(deps) },
    write: { ...repairActivities(deps), ...adoptActivities(deps) },
  };
}
