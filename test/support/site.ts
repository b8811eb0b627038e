import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '../../src/embedded/ports.js';
import { healthServer, type HealthServer } from './health-server.js';
import { startNode, type Running } from './processes.js';
import { readTree, type Tree } from './trees.js';
import { eventually } from './waiting.js';

export type File = string | { readonly content: string; readonly mode: number };

export interface SiteTarget {
  /** `dev/web` */
  readonly address: string;
  /** Absent: the desired state of the quickstart's service in `dev`. */
  readonly files?: Readonly<Record<string, File>>;
  /** A root that cannot be a link: files are written one by one. */
  readonly inPlace?: boolean;
  /** The quickstart's service runs on it, with validation, a second instance and a reload. */
  readonly service?: boolean;
  readonly spec?: object;
  /** Keys of the target that differ from the usual ones. */
  readonly more?: object;
}

export interface SiteOptions {
  readonly targets: readonly SiteTarget[];
  /** Keys of environments beyond the usual: `dev` repairs by itself, `prod` asks, nothing is scheduled. */
  readonly environments?: Readonly<Record<string, object>>;
  readonly notifications?: object;
  /** Who signs with what, by name. */
  readonly principals?: Readonly<Record<string, object>>;
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly temporal?: object;
  readonly soak?: string;
  /** Where the record and artifacts lie, as in a configuration; in the data folder otherwise. */
  readonly stores?: { readonly ledger: object; readonly artifacts?: object };
  /** Where the site's folder is made; the machine's folder for temporary files otherwise. */
  readonly parent?: string;
}

/** A folder of its own with a configuration, desired and live files, and what serves them. */
export interface Site {
  readonly folder: string;
  readonly config: string;
  readonly dataDir: string;
  readonly health: HealthServer;
  readonly targets: readonly SiteTarget[];
  /** The quickstart's service of each target that has one. */
  readonly services: ReadonlyMap<string, Running>;
  desired(address: string): string;
  live(address: string): string;
  releases(address: string): string;
  /** Changes live files, as a person would; `undefined` removes one. What is live then is what a rollback must restore. */
  drift(address: string, files: Readonly<Record<string, File | undefined>>): Promise<void>;
  /** Changes the desired state. */
  desire(address: string, files: Readonly<Record<string, File | undefined>>): Promise<void>;
  /** What was live after the last drift. */
  before(address: string): Tree | undefined;
  /** Writes the configuration again with other targets or environments. */
  configure(options: SiteOptions): Promise<void>;
  remove(): Promise<void>;
}

const QUICKSTART = join(import.meta.dirname, '..', '..', 'examples', 'quickstart');

const ENVIRONMENTS: Readonly<Record<string, object>> = {
  dev: { remediation: 'auto', limits: { concurrent: 50 } },
  prod: { remediation: 'ask', limits: { concurrent: 50 } },
};

export async function createSite(options: SiteOptions): Promise<Site> {
  const folder = await mkdtemp(join(options.parent ?? tmpdir(), 'holdfast-site-'));
  const health = await healthServer();
  const config = join(folder, 'holdfast.yaml');
  const before = new Map<string, Tree>();
  const services = new Map<string, Running>();
  const ports = new Map<string, number>();
  const desired = (address: string): string => join(folder, 'desired', address);
  const live = (address: string): string => join(folder, 'live', address, 'current');

  await cp(join(QUICKSTART, 'service'), join(folder, 'service'), { recursive: true });
  for (const target of options.targets) {
    await makeFiles(target, desired(target.address), join(folder, 'live', target.address));
    if (target.service === true) ports.set(target.address, await freePort());
  }
  await configure(options);
  for (const [address, port] of ports) services.set(address, await startService({ folder, live: live(address), address, port }));

  async function configure({ targets, environments = {}, notifications, principals, groups, temporal, soak = '1s', stores = options.stores }: SiteOptions): Promise<void> {
    const document = {
      version: 1,
      project: 'site',
      // Of the shipped rules nothing is tried here: what is automatic is so by `remediation` alone.
      policies: ['!default'],
      // Most drift before the first look.
      environments: Object.fromEntries(Object.entries({ ...ENVIRONMENTS, ...environments }).map(([name, each]) => [name, { firstSeen: 'repair', ...each }])),
      targets: Object.fromEntries(targets.map((target) => [nameOf(target), targetConfig(target, { health: health.port, service: ports.get(target.address), soak })])),
      ...(notifications === undefined ? {} : { notifications }),
      ...(principals === undefined ? {} : { principals }),
      ...(groups === undefined ? {} : { groups }),
      ...stores,
      ...(temporal === undefined ? {} : { temporal }),
    };
    // JSON is YAML.
    await writeFile(config, JSON.stringify(document, null, 2));
  }

  return {
    folder, config, health, services, desired, live,
    dataDir: join(folder, '.holdfast'),
    targets: options.targets,
    releases: (address) => join(folder, 'live', address, 'releases'),
    async drift(address, files) {
      await change(live(address), files);
      before.set(address, await readTree(live(address)));
    },
    desire: (address, files) => change(desired(address), files),
    before: (address) => before.get(address),
    configure,
    async remove() {
      await Promise.all([...services.values()].map((service) => service.stop()));
      await health.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Target names are unique in a site, so that two environments never share one. */
function nameOf({ address }: SiteTarget): string {
  return address.split('/')[1] ?? address;
}

function targetConfig(target: SiteTarget, { health, service, soak }: { readonly health: number; readonly service: number | undefined; readonly soak: string }): object {
  const { address, inPlace = false } = target;
  const name = nameOf(target);
  const probe = service === undefined ? `http://127.0.0.1:${health}/${address}` : `http://127.0.0.1:${service}/healthz`;
  const served = {
    validate: ['node', 'service/server.mjs', '--check', '--root', '{release}'],
    shadow: {
      command: ['node', 'service/server.mjs', '--name', `${name}-shadow`, '--root', '{release}', '--port', '{port}'],
      health: [{ type: 'http', url: 'http://127.0.0.1:{port}/healthz', interval: '200ms', count: 2, failureLimit: 0 }],
    },
    reload: { signal: 'SIGHUP', pidFile: `./pids/${name}` },
  };
  return {
    environments: [address.split('/')[0]],
    provider: 'files',
    source: { path: `./desired/${address}` },
    spec: {
      root: `./live/${address}/current`,
      ...(inPlace ? {} : { mode: 'link', releases: `./live/${address}/releases` }),
      unmanaged: 'remove',
      ...(target.service === true ? served : {}),
      ...target.spec,
    },
    health: [{ type: 'http', url: probe, interval: '200ms', count: 2, failureLimit: 0 }],
    soak,
    ...target.more,
  };
}

async function makeFiles(target: SiteTarget, desired: string, place: string): Promise<void> {
  if (target.files === undefined) await cp(join(QUICKSTART, 'desired', 'dev'), desired, { recursive: true });
  else await change(desired, target.files);
  if (target.inPlace === true) {
    await cp(desired, join(place, 'current'), { recursive: true });
    return;
  }
  await cp(desired, join(place, 'releases', 'first'), { recursive: true });
  await symlink(join('releases', 'first'), join(place, 'current'));
}

async function change(folder: string, files: Readonly<Record<string, File | undefined>>): Promise<void> {
  for (const [name, file] of Object.entries(files)) {
    const path = join(folder, name);
    if (file === undefined) {
      await rm(path, { force: true });
      continue;
    }
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof file === 'string' ? file : file.content);
    if (typeof file !== 'string') await chmod(path, file.mode);
  }
}

async function startService({ folder, live, address, port }: { readonly folder: string; readonly live: string; readonly address: string; readonly port: number }): Promise<Running> {
  const pids = join(folder, 'pids');
  await mkdir(pids, { recursive: true });
  const name = address.split('/')[1] ?? address;
  const load = join(folder, 'load.json');
  await writeFile(load, JSON.stringify({ requestsPerSecond: 10 }));
  const running = startNode([join(folder, 'service', 'server.mjs'), '--name', name, '--root', live, '--port', String(port), '--load', load, '--pid-file', join(pids, name)]);
  await eventually(`the service of ${address} answers`, async () => ((await fetch(`http://127.0.0.1:${port}/healthz`)).ok ? true : undefined), { timeoutMs: 20_000, last: () => running.said() });
  return running;
}
