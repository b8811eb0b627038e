import { Command, Option } from 'commander';
import { mustSignCommand } from '../../config/config.js';
import { parseAddress } from '../../domain/address.js';
import type { ScheduleInfo } from '../../client.js';
import type { Target } from '../../domain/target.js';
import type { ClosedGate, Ledger } from '../../ledger/ledger.js';
import { type CauseGroup, causeGroups, causeJson, causeText } from '../causes.js';
import { type Cli, define, example } from '../command.js';
import { closedWindows } from '../closed-windows.js';
import type { Context } from '../context.js';
import type { Connection } from '../deps.js';
import { oneLine } from '../errors.js';
import { type Kept, keptLine, keptOf, lapsingSoon } from '../exceptions.js';
import { EXIT } from '../exit.js';
import { withLiveStatus } from '../live.js';
import { readQueue } from '../queues.js';
import { count } from '../render/changes.js';
import { plain, shellWord } from '../render/escape.js';
import { gateText, shortHash } from '../render/plan.js';
import { paintWord } from '../render/style.js';
import { formatAge } from '../render/time.js';
import { sinksAway } from '../pending-messages.js';
import { type Standing, standings } from '../standing.js';
import { idleGates } from '../idle-gates.js';
import { troubledIncidents } from '../troubled.js';

interface StatusOptions {
  readonly watch?: boolean;
  readonly all?: boolean;
  readonly verdict?: Standing['verdict'];
}

interface Status {
  readonly standings: readonly Standing[];
  readonly gates: readonly ClosedGate[];
  readonly idle: readonly ClosedGate[];
  /** What open incidents have in common, where they have. */
  readonly causes: readonly CauseGroup[];
  /** Acceptances that lapse within a week. */
  readonly lapsing: readonly Kept[];
  /** What is not there, each in a line: shown, never hidden. */
  readonly degraded: readonly string[];
}

const WATCH_MS = 2_000;
const VERDICTS: readonly Standing['verdict'][] = ['clean', 'drifted', 'unknown', 'never'];
/** More lines than this nobody reads: what needs attention comes first, and the rest is counted. */
const SHOWN = 50;
const SHOWN_CAUSES = 5;

export function statusCommand(cli: Cli): Command {
  const command = new Command('status')
    .summary('every target, what needs attention first')
    .description('Shows what the last checks found, open incidents and what they wait for, and closed gates. Reads the record; looks at no target.')
    .argument('[address]', 'ENVIRONMENT or ENVIRONMENT/TARGET')
    .option('-a, --all', `every target, also where there are more than ${SHOWN}`)
    .addOption(new Option('--verdict <verdict>', 'only targets that were last found so').choices([...VERDICTS]))
    .option('-w, --watch', 'show it again every two seconds until Ctrl-C');
  example(command, 'holdfast status', 'holdfast status prod', 'holdfast status --verdict unknown', 'holdfast status -o json');
  return define<StatusOptions>(cli, { command, longRunning: true, run: ({ context, args: [address], options }) => (options.watch === true ? watch(context, address, options) : once(context, address, options)) });
}

async function once(context: Context, address: string | undefined, options: StatusOptions): Promise<number> {
  await print(context, await gather(context, address, options), options);
  return context.io.signal.aborted ? EXIT.interrupted : EXIT.done;
}

async function watch(context: Context, address: string | undefined, options: StatusOptions): Promise<number> {
  while (!context.io.signal.aborted) {
    const status = await gather(context, address, options);
    if (context.io.outTty) await context.io.out('\u001b[H\u001b[2J');
    await print(context, status, options);
    await context.io.sleep(context.options.timeout ?? WATCH_MS);
  }
  return EXIT.done;
}

async function gather(context: Context, address: string | undefined, { verdict }: StatusOptions): Promise<Status> {
  const targets = await context.targets(address);
  const degraded: string[] = [];
  const connection = await openConnection(context, degraded);
  const ledger = await openRecord(context, degraded);
  try {
    const config = await context.config();
    const now = context.io.now();
    const schedules = await readSchedules(connection, degraded);
    const environment = address === undefined ? undefined : parseAddress(address)?.environment;
    const record = ledger === undefined ? NO_RECORD : await readRecord(ledger, environment, now);
    const open = await withLiveStatus(connection?.client, record.open, now);
    const pollers = await silentPools(connection, targets);
    const found = standings({ config, targets, ...record, open, schedules, now });
    return { standings: found.filter((each) => verdict === undefined || each.verdict === verdict), idle: record.idle, gates: [...record.gates, ...(await closedWindows(config, environment, now))], causes: causeGroups(record.open).filter((group) => group.targets.length > 1), lapsing: lapsingSoon(keptOf(targets, record.acceptances, now), now), degraded: [...degraded, ...pollers, ...record.sinks.map((away) => `${away.message}; repairs go on, and each is sent again until it is taken`)] };
  } finally {
    await ledger?.close();
    await connection?.client.close();
  }
}

const NO_RECORD = { rows: [], open: [], troubled: [], gates: [], idle: [], sinks: [], acceptances: [] } as const;

async function readRecord(ledger: Ledger, environment: string | undefined, now: Date) {
  const within = environment === undefined ? {} : { environment };
  const rows = await ledger.targets(environment);
  const gates = (await ledger.allClosedGates(now.toISOString())).filter((gate) => environment === undefined || gate.scope === '*' || gate.scope === environment || gate.scope.startsWith(`${environment}/`));
  return {
    rows,
    open: await ledger.incidents({ ...within, open: true }),
    troubled: await troubledIncidents(ledger, environment),
    sinks: await sinksAway(ledger),
    acceptances: await ledger.acceptances(within),
    gates,
    idle: await idleGates(ledger, rows, gates),
  };
}

async function openRecord(context: Context, degraded: string[]) {
  try {
    const ledger = await context.ledger();
    if (ledger === undefined) degraded.push('There is no record yet; start Holdfast with: holdfast up');
    return ledger;
  } catch (error) {
    degraded.push(`The record cannot be read, so nothing is repaired: ${oneLine(error)}; holdfast check looks without it`);
    return undefined;
  }
}

async function openConnection(context: Context, degraded: string[]): Promise<Connection | undefined> {
  try {
    return await context.connect({ glance: true });
  } catch (error) {
    degraded.push(`Temporal is not reachable, so nothing is checked or repaired now: ${oneLine(error)}; holdfast check and holdfast plan work without it`);
    return undefined;
  }
}

async function readSchedules(connection: Connection | undefined, degraded: string[]): Promise<readonly ScheduleInfo[]> {
  if (connection === undefined) return [];
  try {
    return await connection.client.schedules();
  } catch (error) {
    degraded.push(`The schedules cannot be read: ${oneLine(error)}`);
    return [];
  }
}

/** A pool that nobody polls reads and repairs nothing, however healthy everything else is. */
async function silentPools(connection: Connection | undefined, targets: readonly Target[]): Promise<readonly string[]> {
  if (connection === undefined) return [];
  const pools = [...new Set(targets.map((target) => target.pool))];
  const queues = pools.map((pool) => readQueue(pool));
  const seen = await connection.client.pollers(queues).catch(() => undefined);
  if (seen === undefined) return [];
  return pools.filter((pool) => seen[readQueue(pool)] === 0).map((pool) => `No worker reads pool ${pool}; start one with: holdfast worker --pool ${pool}`);
}

async function print(context: Context, status: Status, { all = false, verdict }: StatusOptions): Promise<void> {
  if (context.json) return context.printJson('status', { targets: status.standings, gates: status.gates, causes: status.causes.map(causeJson), lapsing: status.lapsing, degraded: status.degraded });
  const { style } = context;
  for (const line of status.degraded) context.note(style.yellow(line));
  const shown = all ? status.standings : status.standings.slice(0, SHOWN);
  if (status.standings.length > SHOWN) await context.say(`${summaryOf(status.standings)}\n`);
  const pressing = shown.filter((standing) => standing.attention.length > 0);
  if (pressing.length > 0) {
    const lines = pressing.map((standing) => `  ${style.yellow('!')} ${style.bold(standing.address)}: ${standing.attention.map(plain).join('; ')}`);
    await context.say(`${style.bold('Needs attention')}\n${lines.join('\n')}\n`);
  }
  const now = context.io.now();
  const rows = shown.map((standing) => [
    standing.address,
    paintWord(standing.verdict, style),
    standing.changes === 0 ? '-' : String(standing.changes),
    `${formatAge(standing.checkedAt, now)}${standing.overdue ? ' (overdue)' : ''}${standing.paused ? ' (paused)' : ''}`,
    standing.incident === undefined ? '-' : plain(standing.incident.id),
    incidentText(standing),
  ]);
  if (rows.length === 0) context.note(`The configuration has no${verdict === undefined ? '' : ` ${verdict}`} targets.`);
  else await context.say(context.table(['TARGET', 'VERDICT', 'CHANGES', 'CHECKED', 'INCIDENT', 'STATE'], rows));
  if (shown.length < status.standings.length) context.note(`… and ${status.standings.length - shown.length} more; every one with: holdfast status --all`);
  const config = await context.config();
  if (status.gates.length > 0) await context.say(`\n${style.bold('Closed gates')}\n${status.gates.slice(0, all ? status.gates.length : SHOWN).map((gate) => `  ${gateText(gate, mustSignCommand(config, gate.scope.split('/')[0] ?? gate.scope, gate.scope))}${status.idle.includes(gate) ? ' (nothing that it holds differs now)' : ''}`).join('\n')}`);
  if (!all && status.gates.length > SHOWN) context.note(`… and ${status.gates.length - SHOWN} more`);
  if (status.causes.length > 0) await context.say(`\n${style.bold('One cause, many places')}\n${status.causes.slice(0, SHOWN_CAUSES).map((group) => `  ${shortHash(group.key)}  ${causeText(group)}: ${count(group.targets.length, 'target')} in ${group.environments.map(plain).join(', ')}; decide all with: holdfast approve --cause ${shortHash(group.key)}`).join('\n')}`);
  if (status.lapsing.length > 0) await context.say(`\n${style.bold('Accepted, and soon no more')}\n${status.lapsing.slice(0, all ? status.lapsing.length : SHOWN).map((each) => `  ${keptLine(each, now)}`).join('\n')}`);
  const asked = status.standings.find((standing) => standing.incident?.phase === 'awaiting-approval');
  if (asked?.incident !== undefined) context.note(`\nNext: holdfast incident ${plain(asked.incident.id)}`);
  else if (status.standings.some((standing) => standing.incident !== undefined)) context.note(`\n${count(status.standings.filter((each) => each.incident !== undefined).length, 'open incident')}; list them with: holdfast incidents --open`);
}

/** `10000 targets: 9990 clean, 9 drifted, 1 unknown; 9 need attention`. */
function summaryOf(standings: readonly Standing[]): string {
  const verdicts = VERDICTS.flatMap((verdict) => {
    const found = standings.filter((each) => each.verdict === verdict).length;
    return found === 0 ? [] : [`${found} ${verdict === 'never' ? 'never looked at' : verdict}`];
  });
  const pressing = standings.filter((each) => each.attention.length > 0).length;
  return `${count(standings.length, 'target')}: ${verdicts.join(', ')}; ${pressing === 0 ? 'nothing needs attention' : `${pressing} ${pressing === 1 ? 'needs' : 'need'} attention`}`;
}

/** What drifted without an incident settles, or was decided before: only a look can say which. */
function incidentText({ address, incident, reason, verdict }: Standing): string {
  if (incident === undefined && verdict === 'drifted') return `no incident; why: holdfast plan ${shellWord(address)}`;
  if (incident === undefined) return verdict === 'unknown' ? plain(reason ?? '-') : '-';
  if (incident.kind === 'blind' && verdict === 'unknown') return `cannot be read: ${plain(reason ?? 'no reason is on record')}`;
  const plan = incident.plan === undefined || incident.phase !== 'awaiting-approval' ? '' : ` (plan ${shortHash(incident.plan)})`;
  const waits = incident.waitsFor === undefined ? '' : `: ${plain(incident.waitsFor)}`;
  return `${incident.phase}${plan}${incident.firstSeen === true ? ', first seen' : ''}${waits}`;
}
