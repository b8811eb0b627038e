import { recordOverdue } from '../activities/looking/check.js';
import type { Dependencies } from '../activities/deps.js';
import { renewRuns, replaceStuckGuards } from '../activities/incidents/renewal.js';
import { decidedElse } from '../activities/deciding/under.js';
import { holdfastClient, startCheck } from '../client.js';
import type { Config } from '../config/config.js';

const PRUNE_EVERY_MS = 6 * 3_600_000;
/** In the ledger, since a process may be restarted more often than it prunes. */
const PRUNED_AT = 'pruned at';
/** The whole record of targets is read to find what is overdue: about a fiftieth of the time, and at least once a minute. */
const WATCH = { share: 50, mostMs: 60_000 } as const;
/** Two builds beside each other, as while one replaces the other, would renew what the other has just renewed, again and again. */
const RENEW_EVERY_MS = 5 * 60_000;

/** What a process with control does beside its steps, between them. */
export interface ControlDuties {
  /** Another configuration is in force: schedules follow it, and the record says so. */
  taken(config: Config): Promise<void>;
  /** Called every few seconds: watches over what nobody reads or holds up, and keeps the record signed and within retention. */
  tend(config: Config): Promise<void>;
}

export function controlDuties(deps: Dependencies): ControlDuties {
  const { ledger } = deps;
  const now = (): number => deps.now().getTime();
  const watchedSince = deps.now().toISOString();
  let watchAt = 0;
  let pruneAt = 0;
  let renewAt = 0;

  async function watch(): Promise<void> {
    const from = now();
    if (from >= renewAt && (await renewRuns(deps))) renewAt = from + RENEW_EVERY_MS;
    await replaceStuckGuards(deps);
    await recordOverdue(deps, watchedSince);
    watchAt = now() + Math.min(WATCH.mostMs, (now() - from) * WATCH.share);
  }

  async function prune(config: Config): Promise<void> {
    const last = await ledger.getMeta(PRUNED_AT);
    pruneAt = (last === undefined ? 0 : Date.parse(last)) + PRUNE_EVERY_MS;
    if (now() <= pruneAt) return;
    pruneAt = now() + PRUNE_EVERY_MS;
    const at = deps.now().toISOString();
    await ledger.checkpoint(at);
    await ledger.prune({ at, keepMs: config.retentionMs });
    await pruneArtifacts(deps, config);
    await ledger.setMeta(PRUNED_AT, at);
  }

  return {
    async taken(config) {
      const { digest, environments, targets } = config;
      await holdfastClient(deps.client).syncSchedules(environments.map(({ name, schedule }) => ({ environment: name, ...schedule })));
      await ledger.append({ at: deps.now().toISOString(), kind: 'configuration', data: { digest, environments: environments.length, targets: targets.length } });
      await lookAtWaiting(deps, config);
    },
    async tend(config) {
      if (now() >= watchAt) await watch();
      if (now() > pruneAt) await prune(config);
    },
  };
}

/** What is open and was decided under another configuration is looked at now: whatever waits hears of it then, and not at the schedule's next time. */
async function lookAtWaiting({ client, ledger }: Dependencies, config: Config): Promise<void> {
  const open = decidedElse(config, await ledger.incidents({ open: true }));
  for (const environment of new Set(open.map((row) => row.environment))) {
    const targets = open.filter((row) => row.environment === environment).map((row) => row.target);
    await startCheck(client, {
      id: `configuration-${config.digest.slice(0, 12)}`,
      input: { environment, targets },
      summary: `check of ${targets.length} of ${environment} with open incidents, under a new configuration`,
    });
  }
}

/** What an open incident may still need is never removed. */
async function pruneArtifacts({ artifacts, ledger, now }: Dependencies, config: Config): Promise<void> {
  const open = await ledger.incidents({ open: true });
  // An undo puts back what the incident before it staged.
  const undone = await Promise.all(open.map(async (row) => (row.undoes === undefined ? undefined : ledger.incident(row, row.undoes))));
  const needed = [...open, ...undone].flatMap((row) => (row === undefined ? [] : [Date.parse(row.openedAt)]));
  const oldest = Math.min(now().getTime() - config.retentionMs.artifacts, ...needed);
  await artifacts.prune(new Date(oldest).toISOString(), new Set());
}
