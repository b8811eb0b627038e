import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../../../src/activities/index.js';
import type { Dependencies } from '../../../src/activities/deps.js';
import { connectTemporal } from '../../../src/client/connect.js';
import { openSources } from '../../../src/config/sources.js';
import { hashJson } from '../../../src/digest.js';
import { deciderOf } from '../../../src/policy/decide.js';
import type { HealthReport } from '../../../src/domain/health.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { openArtifacts, openLedger } from '../../../src/ledger/open.js';
import { compose } from '../../../src/notify/compose.js';
import { poolQueue, WORKFLOW_QUEUE } from '../../../src/workflows/messages.js';
import { payloadConverterPath, quietRuntime } from '../../support/workflow-bundle.js';
import { openCloud, openDatabase, type Cloud } from './cloud.js';
import { cloudProvider } from './cloud-provider.js';
import { guardDependencies } from './guarded.js';
import { openInjector, type Injector } from './injector.js';
import { MEDDLED, pathNamed } from './paths.js';
import { check, configOf, environmentOf, filesOf, POOL, type Case, type Group } from './plan-of-group.js';
import { stateIn } from './remote.js';
import { closeOnce, prepareRecord } from './staged-record.js';
import { openStandstill } from './standstill.js';

/** As many steps at once as there are cases: those that stand still hold no other up. */
const AT_ONCE = 2_000;

/** The workers of a group, composed as `src/worker.ts` does, over the cloud that breaks. Settles when they have stopped. */
export async function runWorkers(group: Group, said: (line: string) => void): Promise<void> {
  quietRuntime();
  const files = filesOf(group);
  const cloud = openCloud(files.cloud);
  const injector = openInjector({ cloud, faults: new Map(group.cases.map(({ target, faults }) => [target, faults])), standstill: openStandstill(openDatabase(files.cloud)) });
  const deps = guardDependencies(await dependencies(group, { cloud, injector, said }), injector);
  const connection = await NativeConnection.connect({ address: group.address });
  const { control, read, write } = createActivities(deps);
  const code = await readFile(group.bundle, 'utf8');
  const common = { connection, namespace: group.namespace, dataConverter: { payloadConverterPath }, stickyQueueScheduleToStartTimeout: 5_000, maxConcurrentActivityTaskExecutions: AT_ONCE };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: WORKFLOW_QUEUE, activities: mortal(control, injector), workflowBundle: { code } }),
    Worker.create({ ...common, taskQueue: poolQueue(POOL, 'read'), activities: mortal(read, injector) }),
    Worker.create({ ...common, taskQueue: poolQueue(POOL, 'write'), activities: mortal(write, injector) }),
  ]);
  said('working');
  await Promise.all(workers.map((worker) => worker.run()));
}

async function dependencies(group: Group, { cloud, injector, said }: { readonly cloud: Cloud; readonly injector: Injector; readonly said: (line: string) => void }): Promise<Dependencies> {
  const config = configOf(group);
  const ledger = await openLedger(config);
  await prepareRecord(ledger, group.cases);
  const cases = new Map(group.cases.map((each) => [each.target, each]));
  const log = (message: string, fields?: Record<string, unknown>): void => { said(`${message} ${JSON.stringify(fields ?? {})}`); };
  return {
    config: () => Promise.resolve(config),
    sources: openSources({ folder: join(group.folder, 'sources') }),
    ledger,
    artifacts: await openArtifacts(config),
    providers: { cloud: cloudProvider({ client: injector.cloudClient(), desired: (account, { folder }) => (isInGit(cases.get(account)) ? stateIn(folder) : cloud.desired(account)), shadow: (account) => check(`shadow ${account}`) }) },
    decide: deciderOf,
    probe: async ([first]) => {
      const [what = '', target = ''] = (first?.name ?? '').split(' ');
      return report(first?.name ?? '', await isWell({ what, case: cases.get(target), cloud, ledger }));
    },
    client: await connectTemporal(group),
    resolveSecret: (reference) => Promise.resolve(reference),
    tell: async (notice, key) => { await ledger.enqueue(compose({ notice, sinks: ['out'], project: 'laboratory', hash: hashJson, key })); },
    log: { debug: () => undefined, info: log, warn: log, error: log },
    now: () => new Date(),
    workRoot: join(group.folder, 'work'),
    build: 'laboratory',
    readOnly: false,
  };
}

function isInGit(each: Case | undefined): boolean {
  return each !== undefined && pathNamed(each.path).git === true;
}

interface Measured {
  readonly what: string;
  readonly case: Case | undefined;
  readonly cloud: Cloud;
  readonly ledger: Ledger;
}

/** Health as the path wants it; where it says so, somebody meddles in that moment. */
async function isWell({ what, case: each, cloud, ledger }: Measured): Promise<boolean> {
  if (each === undefined) return true;
  const { target } = each;
  const path = pathNamed(each.path);
  const meddle = (): void => {
    if (!cloud.log.of(target).some((line) => line.what === 'drift' && line.label === 'meddled')) cloud.drift(target, MEDDLED, 'meddled');
  };
  if (what === 'shadow') {
    if (path.meddles === 'staged') meddle();
    if (path.closes?.at !== 'switched') await closeOnce(ledger, each);
    return path.sick !== 'shadow';
  }
  if (cloud.live(target)['r5'] !== cloud.desired(target)['r5']) return true;
  if (path.meddles === 'switched') meddle();
  if (path.closes?.at === 'switched') await closeOnce(ledger, each);
  if (path.sick !== 'soak') return path.sick !== 'switch';
  for await (const { data } of ledger.entries({ environment: environmentOf(each), target, kinds: ['validated'] })) if (data['of'] === 'switch') return false;
  return true;
}

function report(name: string, well: boolean): HealthReport {
  const verdict = well ? 'healthy' : 'unhealthy';
  return { verdict, checks: [{ name, type: 'tcp', verdict, successes: well ? 1 : 0, failures: well ? 0 : 1, inconclusives: 0, errors: 0, slowestMs: 1, message: well ? 'it answers' : 'it does not answer' }] };
}

type Step = (input: never) => Promise<unknown>;

/** Steps whose attempts may die. */
function mortal(steps: object, injector: Injector): Record<string, Step> {
  return Object.fromEntries(Object.entries(steps as Record<string, Step>).map(([name, step]): [string, Step] => [name, (input) => injector.step(() => step(input))]));
}
