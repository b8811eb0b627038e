import type { DecideInput, HoldfastClient } from '../client.js';
import { formatIncident, type TargetAddress } from '../domain/address.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Context } from './context.js';
import { EXIT } from './exit.js';
import { isClosed } from './incident-row.js';
import { withLiveStatus } from './live.js';
import { readPart } from './parts.js';
import { startProgress } from './progress.js';
import { plain, shellWord } from './render/escape.js';
import { formatDuration } from './render/time.js';

export interface Waiting {
  readonly client: HoldfastClient;
  readonly ledger?: Ledger;
  readonly address: TargetAddress;
  /** The incident that was decided about; without it, the one that runs now. */
  readonly number?: number;
  readonly wanted: DecideInput['decision'];
}

/** Longer than a usual soak, which is part of the waiting. */
const DEFAULT_WAIT_MS = 60 * 60_000;
const POLL_MS = 1_000;

/** What each decision was made for; any other end is not what was asked. */
const WANTED: Readonly<Record<DecideInput['decision'], readonly string[]>> = {
  approve: ['fixed', 'adopted', 'cleared', 'accepted'],
  reject: ['rejected', 'cleared'],
  adopt: ['adopted', 'cleared'],
  accept: ['accepted', 'cleared'],
  rollback: ['rolled-back', 'cancelled', 'cleared'],
};

/** Where an incident stood when the waiting ended. */
export interface Standing {
  readonly name: string;
  readonly phase: string;
  readonly outcome?: string;
  readonly waitsFor?: string;
}

export interface End {
  readonly standing?: Standing;
  /** 0: it ended as wanted; 1: otherwise; 5: it has not ended in time. */
  readonly exitCode: number;
  readonly waitedMs: number;
}

/** Follows an incident until it ends, the time is over, or the command is interrupted. */
export async function waitForEnd(context: Context, waiting: Waiting): Promise<End> {
  const started = context.io.now().getTime();
  const end = started + (context.options.timeout ?? DEFAULT_WAIT_MS);
  const progress = startProgress(context);
  try {
    for (;;) {
      const standing = await look(waiting, context.io.now());
      const now = context.io.now().getTime();
      const result = { waitedMs: now - started, ...(standing === undefined ? {} : { standing }) };
      if (standing?.outcome !== undefined) return { ...result, exitCode: WANTED[waiting.wanted].includes(standing.outcome) ? EXIT.done : EXIT.error };
      if (context.io.signal.aborted || now >= end) return { ...result, exitCode: EXIT.waiting };
      if (standing !== undefined) progress.update(`${plain(standing.name)}: ${standing.phase}${waitText(standing)}`);
      await context.io.sleep(Math.min(POLL_MS, Math.max(1, end - now)));
    }
  } finally {
    progress.end();
  }
}

export async function sayEnd(context: Context, { standing, exitCode, waitedMs }: End): Promise<void> {
  const name = plain(standing?.name ?? 'the incident');
  if (standing === undefined || exitCode === EXIT.waiting) {
    const state = standing === undefined ? 'not seen to move' : `still ${standing.phase}${waitText(standing)}`;
    context.note(`${name}: ${state} after ${formatDuration(waitedMs)}; it goes on without this command.`);
    return;
  }
  await context.say(`${name}: ${standing.outcome ?? ''}; read it with: holdfast incident ${shellWord(standing.name)}`);
}

/** The record knows how an incident ended; the running workflow knows what it waits for. */
async function look({ client, ledger, address, number }: Waiting, now: Date): Promise<Standing | undefined> {
  const found = await ledger?.incident(address, number);
  if (found !== undefined) {
    const [row = found] = isClosed(found) ? [found] : await withLiveStatus(client, [found], now);
    const waitsFor = row.parts.map(readPart).map((part) => part.blocked ?? part.waitsFor).find((each) => each !== undefined);
    return {
      name: formatIncident(row),
      phase: row.phase,
      ...(found.outcome === undefined || found.closedAt === undefined ? {} : { outcome: found.outcome }),
      ...(waitsFor === undefined ? {} : { waitsFor }),
    };
  }
  const status = await client.incidentStatus(address);
  if (status === undefined) return undefined;
  const waitsFor = status.parts.find((part) => part.waitsFor !== undefined)?.waitsFor;
  return { name: status.incident, phase: status.phase, ...(status.outcome === undefined ? {} : { outcome: status.outcome }), ...(waitsFor === undefined ? {} : { waitsFor }) };
}

function waitText(standing: Standing): string {
  return standing.waitsFor === undefined ? '' : `, waits for ${plain(standing.waitsFor)}`;
}
