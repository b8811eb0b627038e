import { adoptActivities } from './adopting/adopt.js';
import { assessActivities } from './deciding/assess.js';
import { batchActivities } from './looking/batches.js';
import { checkActivities } from './looking/check.js';
import { closeActivities } from './incidents/close.js';
import { commandActivities } from './commanding/command.js';
import type { Dependencies } from './deps.js';
import { gateActivities } from './gates/ask.js';
import { judgeActivities } from './approving/judge.js';
import { unansweredActivities } from './approving/unanswered.js';
import { measureActivities } from './repairing/measure.js';
import { repairActivities } from './repairing/repair.js';
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
    control: { recordUnread, ...batchActivities(deps), ...judgeActivities(deps), ...unansweredActivities(deps), ...gateActivities(deps), ...closeActivities(deps), ...commandActivities(deps) },
    read: { observe, ...assessActivities(deps), ...measureActivities(deps) },
    write: { ...repairActivities(deps), ...adoptActivities(deps) },
  };
}
