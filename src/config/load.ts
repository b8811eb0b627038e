import { relative, resolve } from 'node:path';
import { formatAddress } from '../domain/address.js';
import { hashJson } from '../digest.js';
import type { Provider } from '../providers/provider.js';
import type { Config, ConfigWarning } from './config.js';
import { readDeclared } from './declared.js';
import { type EnvironmentEntry, readEnvironments } from './environments.js';
import { outdated } from './exceptions.js';
import { expandTargets } from './expand.js';
import { type ConfigFile, readFiles, sectionOf } from './files.js';
import { check } from './issues.js';
import { readNotifications } from './notifications.js';
import { readPeople, unsigned } from './people.js';
import { isPack, lapsedRules, readPolicies, uncountable } from './policies.js';
import { createReport, type Report } from './problem.js';
import { createReader, type Reader, type Stamp } from './read.js';
import { readReadiness } from './readiness.js';
import { unknownNames } from './names.js';
import { checkRemediation } from './remediation.js';
import { resolveTarget } from './resolve.js';
import { checkTargets, type Resolved } from './rules.js';
import { sections } from './schema.js';
import { readStores } from './stores.js';
import { child, toPlain } from './tree.js';
import { unenforced } from './unenforced.js';

export interface LoadOptions {
  /** The root configuration file. */
  readonly file: string;
  /** By name; their `spec` schemas check and their `resolveSpec` completes what targets say. */
  readonly providers: Readonly<Record<string, Provider>>;
  /** Where the record and the artifacts lie when the configuration does not say. Default: `.holdfast` beside the file. */
  readonly dataDir?: string;
  /**
   * The addresses that are remembered, `prod/storefront`. A match of `each` that is not among them
   * begins in `observe`; one that is gone is said as suspended. Absent: every match is taken as known.
   */
  readonly known?: ReadonlySet<string>;
  /** Rule files in place of those that the configuration names: paths, `default`, `!default`. */
  readonly policies?: readonly string[];
  /** What expiry dates are compared with. Default: now. */
  readonly now?: Date;
}

export interface LoadedConfig extends Config {
  /** What was read: when one of these looks different, load again. */
  readonly stamps: readonly Stamp[];
  /** The addresses that come from a match of `each`, sorted: what a later `known` should hold. */
  readonly matches: readonly string[];
}

/** Everything that a load found out; `explain` reads more of it than a configuration holds. */
export interface Loaded {
  readonly config: LoadedConfig;
  readonly resolved: readonly Resolved[];
  readonly rootFolder: string;
}

/** Reads and checks the whole configuration. Throws a `ConfigError` with every problem found. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  return (await load(options)).config;
}

export async function load(options: LoadOptions): Promise<Loaded> {
  const report = createReport();
  const reader = createReader();
  const file = resolve(options.file);
  const files = await readFiles(file, reader, report);
  const [root] = files;
  if (root === undefined) throw report.toError(reader.stamps);
  const warnings: ConfigWarning[] = [];
  const loaded = await readAll({ options, files, root, reader, report, warnings });
  if (report.failed) throw report.toError(reader.stamps);
  return loaded;
}

interface Loading {
  readonly options: LoadOptions;
  readonly files: readonly ConfigFile[];
  readonly root: ConfigFile;
  readonly reader: Reader;
  readonly report: Report;
  readonly warnings: ConfigWarning[];
}

async function readAll(loading: Loading): Promise<Loaded> {
  const { options, files, root, reader, report, warnings } = loading;
  const rootFolder = root.folder;
  const project = readProject(loading);
  const people = readPeople(sectionOf(root, 'principals'), sectionOf(root, 'groups'), report);
  const environments = readEnvironments(sectionOf(root, 'environments'), project, people, report);
  const names = [...environments.keys()].sort();
  const declared = readDeclared(files, { providers: Object.keys(options.providers), environments: names, report });
  const warn = (where: string, message: string) => warnings.push({ where, message });
  const instances = await expandTargets(declared, { environments, reader, report, rootFolder, warn });
  const ctx = { providers: options.providers, report, rootFolder, now: options.now ?? new Date(), ...(options.known === undefined ? {} : { known: options.known }) };
  const resolved = instances.flatMap((instance): Resolved[] => {
    const target = resolveTarget(instance, ctx);
    return target === undefined ? [] : [{ instance, target }];
  });
  checkTargets(resolved, names, report);
  checkRemediation({ environments: environments.values(), providers: Object.keys(options.providers), resolved, report, warn });
  const policies = await readPolicies({ root, people, reader, report, ...(options.policies === undefined ? {} : { instead: options.policies }) });
  const targets = resolved.map((each) => each.target).sort(byAddress);
  const matches = resolved.filter(({ instance }) => instance.matched).map(({ target }): string => formatAddress(target)).sort();
  const { suspended } = compareMatches(options.known ?? new Set(), targets.map(formatAddress));
  for (const address of suspended) warn(address, 'its folder matches no longer: the target is suspended');
  for (const { where, message } of uncountable(policies, environments.values())) warn(where, message);
  warnings.push(...unenforced(environments.values(), resolved), ...outdated(resolved, ctx.now), ...lapsedRules(policies, ctx.now), ...unknownNames({ policies, environments: environments.values(), resolved, providers: Object.keys(options.providers), report }), ...unsigned(environments.values(), people));
  const config: LoadedConfig = {
    project,
    file: root.path,
    folder: rootFolder,
    digest: digestOf(reader, rootFolder, targets),
    policies,
    environments: names.flatMap((name) => environmentFrom(environments.get(name))),
    targets,
    people: people.known,
    notifications: readNotifications(root, names, report),
    ...readReadiness(root, report),
    ...readStores({ root, report, environments: names, dataDir: options.dataDir }),
    warnings,
    stamps: reader.stamps,
    matches,
  };
  return { config, resolved, rootFolder };
}

function environmentFrom(entry: EnvironmentEntry | undefined): readonly EnvironmentEntry['environment'][] {
  return entry === undefined ? [] : [entry.environment];
}

function byAddress(a: Config['targets'][number], b: Config['targets'][number]): number {
  if (a.environment !== b.environment) return a.environment < b.environment ? -1 : 1;
  return a.target < b.target ? -1 : 1;
}

function readProject({ files, root, report }: Loading): string {
  const tree = child(root.tree, 'project');
  if (tree === undefined) {
    report.add({ at: root.tree.at, message: 'project is missing', remedy: 'add `project: NAME`' });
    return '';
  }
  const project = check(sections.project, toPlain(tree), { report, where: ['project'], tree }) ?? '';
  for (const file of files.filter((each) => !each.root)) {
    const own = child(file.tree, 'project');
    if (own?.kind !== 'scalar' || own.value === project) continue;
    report.add({ at: own.at, message: 'project: an included file belongs to the project of the root', remedy: `remove it, or write ${project}` });
  }
  return project;
}

function digestOf(reader: Reader, rootFolder: string, targets: Config['targets']): string {
  const files = [...reader.digests].map(([path, digest]) => [isPack(path) ? 'the default rules' : relative(rootFolder, path), digest]).sort();
  return hashJson({ files, targets: targets.map((target) => `${formatAddress(target)} ${target.remediation}`) });
}

/** What is new and what is gone since addresses were remembered; the caller keeps the memory. */
export function compareMatches(remembered: ReadonlySet<string>, current: readonly string[]): { readonly added: readonly string[]; readonly suspended: readonly string[] } {
  const present = new Set(current);
  return {
    added: current.filter((address) => !remembered.has(address)),
    suspended: [...remembered].filter((address) => !present.has(address)).sort(),
  };
}

