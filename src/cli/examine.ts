import type { Config } from '../config/config.js';
import type { HoldfastClient } from '../client.js';
import { formatAddress, formatIncident } from '../domain/address.js';
import type { Context } from './context.js';
import { describeError, oneLine } from './errors.js';
import { isHoldfastError } from '../domain/errors.js';
import { isReadOnly } from '../domain/read-only.js';
import { whyNotDone } from './live.js';
import { sinksAway } from './pending-messages.js';
import { readQueue, WORKFLOW_QUEUE, writeQueue } from './queues.js';
import { forEachBounded } from './progress.js';
import { count } from './render/changes.js';
import { plain } from './render/escape.js';
import { formatDuration } from './render/time.js';
import { heldReferencesOf, referencesOf } from './references.js';

export interface DoctorLine {
  readonly check: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly remedy?: string;
}

/** What can be looked at alone. */
export const EXAMINED = ['node', 'configuration', 'secrets', 'sources', 'record', 'messages', 'artifacts', 'temporal', 'search-attributes', 'workers', 'repairs', 'clock'] as const;

export interface Examination {
  /** Absent: everything. */
  readonly only?: readonly string[];
  /** Register what is missing. */
  readonly fix: boolean;
  readonly timeoutMs: number;
}

const LEAST_NODE = [22, 13] as const;
/** Approvals and windows are judged by Temporal's clock; a workstation this far off misleads its reader. */
const CLOCK_LIMIT_MS = 30_000;
const WIDTH = 8;

/** Looks at everything Holdfast needs, one line each; nothing that fails stops the rest. */
export async function* examine(context: Context, options: Examination): AsyncGenerator<DoctorLine> {
  const wants = (what: (typeof EXAMINED)[number]): boolean => options.only?.includes(what) ?? true;
  if (wants('node')) yield node();
  const config = await context.config().catch((error: unknown) => failed('configuration', error, context));
  if ('check' in config) {
    yield config;
  } else {
    if (wants('configuration')) yield* configuration(config);
    if (wants('secrets')) yield* secrets(context, config);
    if (wants('sources')) yield* sources(context, config);
    if (wants('record')) yield await record(context, config, options.fix);
    if (wants('messages')) yield* messages(context);
    if (wants('artifacts')) yield await artifacts(context, config);
  }
  if ((['temporal', 'search-attributes', 'workers', 'repairs', 'clock'] as const).some(wants)) yield* temporal(context, 'check' in config ? undefined : config, { ...options, wants });
  if (isReadOnly(context.io.env['HOLDFAST_READ_ONLY'])) yield { check: 'writing', result: 'warn', message: 'HOLDFAST_READ_ONLY is set: workers started from here write nothing' };
}

function* configuration(config: Config): Generator<DoctorLine> {
  yield ok('configuration', `${config.file}: ${count(config.environments.length, 'environment')}, ${count(config.targets.length, 'target')}`);
  for (const warning of config.warnings) yield { check: 'configuration', result: 'warn', message: `${warning.where}: ${warning.message}` };
}

function node(): DoctorLine {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return good ? ok('node', process.versions.node) : { check: 'node', result: 'fail', message: `${process.versions.node} is too old`, remedy: `Install Node ${LEAST_NODE.join('.')} or later.` };
}

async function* secrets(context: Context, config: Config): AsyncGenerator<DoctorLine> {
  const references = referencesOf(config);
  const problems = (await forEachBounded(references, WIDTH, (reference) => problemOf('secrets', () => context.deps.trySecret(config, reference)))).filter((line) => line !== undefined);
  yield* problems;
  for (const { reference, holder } of heldReferencesOf(config)) {
    const problem = await problemOf('secrets', () => context.deps.trySecret(config, reference));
    if (problem !== undefined) yield { check: 'secrets', result: 'warn', message: `${problem.message}; it is for ${holder}`, ...(problem.remedy === undefined ? {} : { remedy: `On those: ${problem.remedy}.` }) };
  }
  const unusable = heldReferencesOf(config).length === 0 ? undefined : await problemOf('secrets', () => context.deps.tryKeys(config));
  if (unusable !== undefined) yield unusable;
  if (problems.length === 0) yield ok('secrets', references.length === 0 ? 'none are referred to' : `${count(references.length, 'reference')} resolve${references.length === 1 ? 's' : ''}`);
}

async function* sources(context: Context, config: Config): AsyncGenerator<DoctorLine> {
  const signal = context.io.signal;
  const lines = await forEachBounded(config.targets, WIDTH, (target) => problemOf(`source of ${formatAddress(target)}`, () => context.deps.trySource({ config, target, signal })));
  const problems = lines.filter((line) => line !== undefined);
  yield* problems;
  if (problems.length === 0) yield ok('sources', config.targets.length === 0 ? 'there are no targets' : `${count(config.targets.length, 'target')}: all can be read`);
}

async function record(context: Context, config: Config, fix: boolean): Promise<DoctorLine> {
  try {
    // Whoever opens it to write brings its schema up to date, where its role may.
    if (fix && config.ledger.type === 'postgres') await (await context.ledger({ readOnly: false }))?.close();
    const ledger = await context.ledger();
    if (ledger === undefined) return { check: 'record', result: 'warn', message: 'there is none yet', remedy: 'holdfast up or holdfast worker makes it.' };
    try {
      const result = await ledger.verify();
      if (result.ok) return ok('record', `${result.entries} entries verify, head ${result.head.slice(0, 12)}`);
      return { check: 'record', result: 'fail', message: `entry ${result.seq} is bad (${result.problem}): ${result.detail}`, remedy: 'Keep the ledger as it is and compare it with a backup.' };
    } finally {
      await ledger.close();
    }
  } catch (error) {
    return failed('record', error, context);
  }
}

/** A sink that is down holds up no repair, and nobody would know that they are told nothing. */
async function* messages(context: Context): AsyncGenerator<DoctorLine> {
  const ledger = await context.ledger().catch(() => undefined);
  if (ledger === undefined) return;
  try {
    const away = await sinksAway(ledger);
    for (const { sink, message } of away) yield { check: 'messages', result: 'warn', message, remedy: `Put the sink right; what waits is sent again by itself. Try it with: holdfast notify test ${plain(sink)}` };
    if (away.length === 0) yield ok('messages', 'none waits for a sink that is down');
  } catch (error) {
    yield failed('messages', error, context);
  } finally {
    await ledger.close();
  }
}

const REPAIRS = 25;
/** What waits for a person has no step under way; the record of any other may be a step behind. */
const ASKED: readonly string[] = ['awaiting-approval', 'observed'];

/** Steps of open incidents that are tried again and again: a worker that may not write, a disk that is full, an engine that does not answer. */
async function* repairs(context: Context, client: Pick<HoldfastClient, 'pendingSteps'>): AsyncGenerator<DoctorLine> {
  const ledger = await context.ledger().catch(() => undefined);
  if (ledger === undefined) return;
  try {
    const open = (await ledger.incidents({ open: true, limit: 1_000 })).filter((row) => !ASKED.includes(row.phase)).slice(0, REPAIRS);
    const stopped = (await forEachBounded(open, WIDTH, async (row) => {
      const why = whyNotDone(await client.pendingSteps(row).catch(() => []), context.io.now());
      return why === undefined ? undefined : { check: 'repairs', result: 'warn' as const, message: `${formatIncident(row)}: ${why}` };
    })).filter((line) => line !== undefined);
    yield* stopped;
    if (stopped.length === 0) yield ok('repairs', `${count(open.length, 'incident')} under way, and none is stopped`);
  } finally {
    await ledger.close();
  }
}

async function artifacts(context: Context, config: Config): Promise<DoctorLine> {
  const place = config.artifacts.type === 'folder' ? config.artifacts.folder : `the PostgreSQL database of ${config.artifacts.url}`;
  const problem = await problemOf('artifacts', () => context.deps.tryArtifacts(config));
  if (problem === undefined) return ok('artifacts', place);
  // A read worker has no way to them, and should have none.
  return config.artifacts.type === 'folder' ? problem : { ...problem, result: 'warn' };
}

async function* temporal(context: Context, config: Config | undefined, { fix, timeoutMs, wants }: Examination & { readonly wants: (what: (typeof EXAMINED)[number]) => boolean }): AsyncGenerator<DoctorLine> {
  const dataDir = context.dataDir();
  const request = { dataDir, timeoutMs };
  try {
    const place = await context.deps.temporalPlace(dataDir);
    const { client } = await context.deps.connect({ ...request, ...(config === undefined ? {} : { config }) });
    try {
      if (wants('temporal')) yield ok('temporal', `${place.address}, namespace ${place.namespace} (${place.from})`);
      if (wants('search-attributes')) yield await attributes(context, { ...request, fix });
      if (config !== undefined && wants('workers')) yield* queues(config, (names) => client.pollers(names));
      if (config !== undefined && wants('repairs')) yield* repairs(context, client);
      if (wants('clock')) yield await clock(context, request);
    } finally {
      await client.close();
    }
  } catch (error) {
    yield failed('temporal', error, context);
  }
}

async function attributes(context: Context, { dataDir, timeoutMs, fix }: { readonly dataDir: string; readonly timeoutMs: number; readonly fix: boolean }): Promise<DoctorLine> {
  try {
    const { missing, registered } = await context.deps.searchAttributes({ dataDir, timeoutMs, register: fix });
    if (missing.length > 0) return { check: 'search attributes', result: 'fail', message: `not registered: ${missing.join(', ')}`, remedy: 'Register them with: holdfast doctor --fix' };
    return ok('search attributes', registered.length === 0 ? 'registered' : `registered now: ${registered.join(', ')}`);
  } catch (error) {
    return failed('search attributes', error, context);
  }
}

async function* queues(config: Config, pollers: (names: readonly string[]) => Promise<Readonly<Record<string, number>>>): AsyncGenerator<DoctorLine> {
  const pools = [...new Set(config.targets.map((target) => target.pool))];
  const names = [WORKFLOW_QUEUE, ...pools.flatMap((pool) => [readQueue(pool), writeQueue(pool)])];
  const seen = await pollers(names);
  const silent = names.filter((name) => (seen[name] ?? 0) === 0);
  if (silent.length === 0) yield ok('workers', `${count(names.length, 'task queue')} polled`);
  else yield { check: 'workers', result: 'fail', message: `nobody polls ${silent.join(', ')}`, remedy: 'Start workers with: holdfast worker — or everything with: holdfast up' };
}

async function clock(context: Context, request: { readonly dataDir: string; readonly timeoutMs: number }): Promise<DoctorLine> {
  try {
    const behind = await context.deps.clockBehind(request);
    if (behind <= CLOCK_LIMIT_MS) return ok('clock', "not behind Temporal's");
    return { check: 'clock', result: 'warn', message: `at least ${formatDuration(behind)} behind Temporal's`, remedy: 'Synchronise this machine with NTP.' };
  } catch (error) {
    return failed('clock', error, context);
  }
}

async function problemOf(check: string, work: () => Promise<void>): Promise<DoctorLine | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { check, result: 'fail', message: oneLine(error), ...(isHoldfastError(error) && error.remedy !== undefined ? { remedy: error.remedy } : {}) };
  }
}

function failed(check: string, error: unknown, context: Context): DoctorLine {
  const [first = '', remedy] = describeError(error, { formatConfigError: (each) => context.deps.formatConfigError(each)?.split('\n', 1)[0] }).lines;
  const message = first.replace(/^holdfast: /, '');
  const told = isHoldfastError(error) ? (error.remedy ?? remedy) : remedy;
  return { check, result: 'fail', message, ...(told === undefined ? {} : { remedy: told }) };
}

function ok(check: string, message: string): DoctorLine {
  return { check, result: 'ok', message };
}
