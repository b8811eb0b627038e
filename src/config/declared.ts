import { type ConfigFile, sectionOf } from './files.js';
import { check } from './issues.js';
import type { Place, Report } from './problem.js';
import { declarationSchema, type Declaration, defaultsSchema } from './schema.js';
import { quote, suggest } from './text.js';
import { child, emptyMap, entriesOf, type MapTree, mergeTrees, toPlain, type Tree, without } from './tree.js';
import { nameProblem } from './values.js';

/** A target as a file declares it, with the defaults already below it. */
export interface Declared {
  readonly name: string;
  readonly key: Place;
  /** Where its provider is named. */
  readonly provider: Place;
  readonly file: ConfigFile;
  readonly declaration: Declaration;
  /** Defaults and the target's own fields; overrides not yet. */
  readonly base: MapTree;
  readonly overrides: ReadonlyMap<string, Tree>;
}

interface Options {
  readonly providers: readonly string[];
  readonly environments: readonly string[];
  readonly report: Report;
}

const OWN_KEYS = ['environments', 'provider', 'each', 'overrides'];

/** Every target of every file. Defaults of the root lie below those of an included file, which hold for its own targets only. */
export function readDeclared(files: readonly ConfigFile[], options: Options): readonly Declared[] {
  const [root] = files;
  if (root === undefined) return [];
  const rootDefaults = readDefaults(root, options);
  return files.flatMap((file) => {
    const own = file.root ? undefined : readDefaults(file, options);
    return entriesOf(sectionOf(file, 'targets')).flatMap(([name, entry]) => {
      const declared = readTarget({ name, key: entry.key, tree: entry.value, file, layers: own === undefined ? [rootDefaults] : [rootDefaults, own] }, options);
      return declared === undefined ? [] : [declared];
    });
  });
}

/** `target` and each provider to their defaults. */
function readDefaults(file: ConfigFile, { providers, report }: Options): MapTree {
  const section = sectionOf(file, 'defaults');
  for (const [name, entry] of entriesOf(section)) {
    const known = ['target', ...providers];
    if (!known.includes(name)) report.add({ at: entry.key, message: `defaults: ${quote(name)} is neither "target" nor a provider`, remedy: suggest(name, known) });
    check(defaultsSchema, toPlain(entry.value), { report, where: ['defaults', name], tree: entry.value });
  }
  return section;
}

interface Reading {
  readonly name: string;
  readonly key: Place;
  readonly tree: Tree;
  readonly file: ConfigFile;
  readonly layers: readonly MapTree[];
}

function readTarget({ name, key, tree, file, layers }: Reading, { providers, environments, report }: Options): Declared | undefined {
  const [fact, remedy] = nameProblem(name)?.split('\n') ?? [];
  if (fact !== undefined) report.add({ at: key, message: `targets: ${fact}`, remedy: remedy ?? '' });
  const where = ['targets', name];
  const declaration = check(declarationSchema, toPlain(tree), { report, where, tree }) as Declaration | undefined;
  if (declaration === undefined || tree.kind !== 'map' || fact !== undefined) return undefined;
  const { provider } = declaration;
  if (!providers.includes(provider)) {
    report.add({ at: child(tree, 'provider')?.at ?? key, message: `targets.${name}.provider: ${quote(provider)} is not a provider`, remedy: suggest(provider, providers) });
    return undefined;
  }
  checkEnvironmentNames({ name, tree, declaration, environments, report });
  const fields = [...layers.flatMap((layer) => [child(layer, 'target'), child(layer, provider)]), without(tree, OWN_KEYS)];
  const base = fields.reduce<Tree>((merged, layer) => (layer?.kind === 'map' ? mergeTrees(merged, layer) : merged), emptyMap(key));
  const overrides = new Map(entriesOf(child(tree, 'overrides')).map(([environment, entry]) => [environment, entry.value]));
  if (base.kind !== 'map') return undefined;
  // What is missing is looked for where the target is named.
  return { name, key, provider: child(tree, 'provider')?.at ?? key, file, declaration, base: { ...base, at: key }, overrides };
}

interface NamesInput {
  readonly name: string;
  readonly tree: MapTree;
  readonly declaration: Declaration;
  readonly environments: readonly string[];
  readonly report: Report;
}

function checkEnvironmentNames({ name, tree, declaration, environments, report }: NamesInput): void {
  const list = child(tree, 'environments');
  for (const [index, environment] of declaration.environments.entries()) {
    const at = (list?.kind === 'list' ? list.items[index]?.at : undefined) ?? tree.at;
    if (!environments.includes(environment)) {
      report.add({ at, message: `targets.${name}.environments: ${quote(environment)} is not an environment`, remedy: suggest(environment, environments) });
    } else if (declaration.environments.indexOf(environment) !== index) {
      report.add({ at, message: `targets.${name}.environments: ${quote(environment)} is named twice`, remedy: 'name it once' });
    }
  }
  for (const [environment, entry] of entriesOf(child(tree, 'overrides'))) {
    if (declaration.environments.includes(environment)) continue;
    report.add({ at: entry.key, message: `targets.${name}.overrides: the target is not in ${quote(environment)}`, remedy: suggest(environment, declaration.environments) });
  }
}
