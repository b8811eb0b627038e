import type { Client } from '@temporalio/client';
import type { Dependencies } from '../../../src/activities/deps.js';
import type { Sources } from '../../../src/config/sources.js';
import type { Source } from '../../../src/domain/target.js';
import type { ArtifactStore } from '../../../src/ledger/artifacts.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import type { Call, Injector } from './injector.js';
import { targetOfUrl } from './remote.js';

type Method = (...args: never[]) => unknown;

/** What a step calls beside the engine, with the injector in between: record, artifacts, probes, messages, Temporal. */
export function guardDependencies(deps: Dependencies, injector: Injector): Dependencies {
  return {
    ...deps,
    ledger: guardLedger(deps.ledger, injector),
    sources: guardSources(deps.sources, injector),
    artifacts: guardArtifacts(deps.artifacts, injector),
    client: guardClient(deps.client, injector),
    probe: (checks, ctx, options) => injector.at({ point: `probe ${checks[0]?.name.split(' ')[0] ?? ''}`, kind: 'answer' }, () => deps.probe(checks, ctx, options)),
    tell: (notice, key) => injector.at({ point: `tell ${notice.event}`, kind: 'effect' }, () => deps.tell(notice, key)),
  };
}

/** These only read the record. */
const READS: readonly (keyof Ledger)[] = [
  'verify', 'lastObservation', 'targets', 'report', 'sightings', 'incident', 'incidents', 'settled', 'closedGates', 'allClosedGates', 'acceptances',
  'plan', 'askOf', 'decisionOf', 'decisions', 'votes', 'intents', 'outbox', 'getMeta',
];
/** Not a call, or one after another of the same: they stay as they are. */
const PLAIN: readonly (keyof Ledger)[] = ['entries', 'close'];

function guardLedger(ledger: Ledger, injector: Injector): Ledger {
  const methods = Object.entries(ledger as unknown as Record<string, Method>).map(([name, method]): [string, Method] => {
    if (PLAIN.includes(name as keyof Ledger)) return [name, method];
    return [name, (...args: never[]) => injector.at(callOf(name, args), () => method(...args))];
  });
  return Object.fromEntries(methods) as unknown as Ledger;
}

function callOf(name: string, args: readonly unknown[]): Call {
  const isRead = READS.includes(name as keyof Ledger) || (name === 'stepDone' && args[1] === undefined);
  const target = targetIn(args[0]);
  const key = keyIn(name, args[0]);
  return {
    ...(key === undefined ? {} : { key }),
    point: `ledger.${name}${isRead ? ' (read)' : detailOf(name, args)}`,
    kind: isRead ? 'answer' : 'effect',
    ...(target === undefined ? {} : { target }),
  };
}

function keyIn(name: string, first: unknown): string | undefined {
  if (name === 'closeIntent' && typeof first === 'string') return first;
  return name === 'intend' && typeof first === 'object' && first !== null && 'key' in first ? String(first.key) : undefined;
}

/** What tells calls of one method apart, without what differs from run to run. */
function detailOf(name: string, args: readonly unknown[]): string {
  const [first, second] = args as readonly (Record<string, unknown> | string | undefined)[];
  const whole = typeof first === 'object' ? first : {};
  const detail = {
    append: whole['kind'],
    intend: whole['write'],
    closeIntent: typeof first === 'string' ? first.slice(first.indexOf('/', first.lastIndexOf('#') + 4) + 1) : '',
    stepDone: typeof first === 'string' ? first.slice(first.lastIndexOf('/') + 1) : '',
    updateIncident: typeof second === 'object' ? partOf(second) : '',
    takeFence: typeof whole['step'] === 'string' ? whole['step'].slice(whole['step'].lastIndexOf('/') + 1) : '',
    closeGate: whole['gate'],
    liftGate: whole['gate'],
    takePlace: whole['gate'],
    freePlace: whole['gate'],
    decide: whole['decision'],
  }[name];
  return typeof detail === 'string' && detail !== '' ? ` ${detail.replace(/beside\/[0-9a-f]+/, 'copy')}` : '';
}

function partOf(update: Record<string, unknown>): string {
  const part = update['part'];
  if (typeof part === 'object' && part !== null && 'phase' in part) return `phase ${String(part.phase)}`;
  return Object.keys(update).join(' ');
}

function targetIn(first: unknown): string | undefined {
  if (typeof first === 'string') return /^[^/#]+\/([^/#]+)#\d+/.exec(first)?.[1];
  if (typeof first !== 'object' || first === null) return undefined;
  if ('target' in first && typeof first.target === 'string') return first.target;
  if ('address' in first) return targetIn(first.address);
  if ('holder' in first) return targetIn(first.holder);
  // What a person commands comes through the guard of the environment, which says nothing of a target.
  if ('scope' in first && typeof first.scope === 'string') return first.scope.split('/')[1];
  return undefined;
}

/** What is asked of a Git server, and the one thing that is written to it. */
function guardSources(sources: Sources, injector: Injector): Sources {
  const of = (source: Source, does: string, kind: Call['kind']): Call | undefined => {
    const target = source.type === 'git' ? targetOfUrl(source.url) : undefined;
    return target === undefined ? undefined : { point: `git.${does}`, kind, target };
  };
  const around = <T>(call: Call | undefined, act: () => Promise<T>): Promise<T> => (call === undefined ? act() : injector.at(call, act));
  return {
    ...sources,
    resolve: (source, ctx, commits) => around(of(source, 'resolve', 'answer'), () => sources.resolve(source, ctx, commits)),
    at: (source, commit, ctx) => around(of(source, 'at', 'answer'), () => sources.at(source, commit, ctx)),
    propose: (source, proposal, ctx) => around(of(source, 'propose', 'effect'), () => sources.propose(source, proposal, ctx)),
    branch: (source, branch, ctx) => around(of(source, 'branch', 'answer'), () => sources.branch(source, branch, ctx)),
    authors: (source, commit, ctx) => around(of(source, 'authors', 'answer'), () => sources.authors(source, commit, ctx)),
  };
}

function guardArtifacts(artifacts: ArtifactStore, injector: Injector): ArtifactStore {
  return {
    put: (address, name, content) => injector.at({ point: `artifacts.put ${name}`, kind: 'effect' }, () => artifacts.put(address, name, content)),
    get: (address, ref) => injector.at({ point: `artifacts.get ${ref.name}`, kind: 'answer' }, () => artifacts.get(address, ref)),
    remove: (address, ref) => injector.at({ point: `artifacts.remove ${ref.name}`, kind: 'effect' }, () => artifacts.remove(address, ref)),
    prune: (before, keep) => artifacts.prune(before, keep),
    ready: () => artifacts.ready(),
    close: () => artifacts.close(),
  };
}

/** The little of the client that steps use. */
function guardClient(client: Client, injector: Injector): Client {
  const { workflow } = client;
  const start = (type: string, options: never): Promise<unknown> => injector.at({ point: `temporal.start ${type}`, kind: 'effect' }, () => workflow.start(type, options));
  const getHandle = (id: string, run?: string): object => {
    const handle = workflow.getHandle(id, run);
    const kind = id.slice(0, id.indexOf('/'));
    return {
      workflowId: id,
      describe: () => injector.at({ point: `temporal.describe ${kind}`, kind: 'answer' }, () => handle.describe()),
      fetchHistory: () => injector.at({ point: `temporal.history ${kind}`, kind: 'answer' }, () => handle.fetchHistory()),
      signal: (name: string, payload: never) => injector.at({ point: `temporal.signal ${kind} ${name}`, kind: 'effect' }, () => handle.signal<[unknown]>(name, payload)),
    };
  };
  return Object.create(client, { workflow: { value: { start: startThen(start, getHandle), getHandle } } }) as Client;
}

/** What a start returns is asked too, so it is guarded like any handle. */
function startThen(start: (type: string, options: never) => Promise<unknown>, getHandle: (id: string) => object) {
  return async (type: string, options: never): Promise<object> => {
    const started = (await start(type, options)) as { readonly workflowId: string; readonly firstExecutionRunId: string };
    return { ...getHandle(started.workflowId), workflowId: started.workflowId, firstExecutionRunId: started.firstExecutionRunId };
  };
}
