import type { Ledger } from '../ledger.js';
import { createAcceptances } from './acceptances.js';
import { createChain } from './chain.js';
import { createCheckpoints, type Seals } from './checkpoints.js';
import type { Database } from './database.js';
import { createDecisions } from './decisions.js';
import { createGates } from './gates.js';
import { createIncidents } from './incidents.js';
import { createIntents } from './intents.js';
import { createMeta } from './meta.js';
import { createObservations } from './observations.js';
import { createOutbox } from './outbox.js';
import { createRetention } from './retention.js';
import { createSettled } from './settled.js';

/** The rules of the ledger over an open database of this build's schema, whichever database it is. */
export function createLedger(database: Database, seals: Seals): Ledger {
  const chain = createChain(database);
  const { append } = chain;
  const checkpoints = createCheckpoints(database, seals);
  const settled = createSettled(database, append);
  return {
    ...chain.methods,
    ...checkpoints.methods,
    ...createRetention(database, { append, checkpoints }),
    ...createObservations(database, append),
    ...createIncidents(database, { append, settleRow: settled.settleRow }),
    ...settled.methods,
    ...createGates(database, append),
    ...createAcceptances(database, append),
    ...createDecisions(database, append),
    ...createIntents(database, append),
    ...createOutbox(database, append),
    ...createMeta(database),
    close: () => database.close(),
  };
}
