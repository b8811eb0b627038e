import type { Declared } from './declared.js';
import type { EnvironmentEntry } from './environments.js';
import { findMatches, patternProblem } from './folders.js';
import type { NewProblem, Place, Report } from './problem.js';
import type { Reader } from './read.js';
import { formatPath, quote } from './text.js';
import { child, type MapTree, mergeTrees, type Scalar, type Tree } from './tree.js';
import { nameProblem } from './values.js';
import { type Scope, substitution } from './variables.js';

/** One target in one environment, merged, its variables not yet replaced. */
export interface Instance {
  readonly declared: Declared;
  readonly environment: EnvironmentEntry;
  /** The declared name, or what `each.name` makes of a match. */
  readonly name: string;
  readonly tree: MapTree;
  readonly scope: Scope;
  /** True when the target comes from a match of `each`. */
  readonly matched: boolean;
}

interface Context {
  readonly environments: ReadonlyMap<string, EnvironmentEntry>;
  readonly reader: Reader;
  readonly report: Report;
  readonly rootFolder: string;
  /** Said when `each` matches nothing. */
  readonly warn: (where: string, message: string) => void;
}

/** Every target in every environment it names, and with `each`, in every folder that matches. */
export async function expandTargets(declared: readonly Declared[], ctx: Context): Promise<readonly Instance[]> {
  const instances = (await Promise.all(declared.map((each) => expandTarget(each, ctx)))).flat();
  const seen = new Map<string, Instance>();
  for (const instance of instances) {
    const address = `${instance.environment.name}/${instance.name}`;
    const other = seen.get(address);
    if (other === undefined) seen.set(address, instance);
    else reportTwice(address, instance, other, ctx.report);
  }
  return [...seen.values()];
}

function reportTwice(address: string, instance: Instance, other: Instance, report: Report): void {
  const message = instance.declared === other.declared
    ? `targets.${instance.declared.name}.each.name: two folders give the name ${address}`
    : `targets.${instance.declared.name}: ${address} is declared twice, also in ${quote(other.declared.file.path, 200)} as ${other.declared.name}`;
  report.add({ at: instance.declared.key, message, remedy: 'give each target a name of its own' });
}

async function expandTarget(declared: Declared, ctx: Context): Promise<readonly Instance[]> {
  const { each, environments } = declared.declaration;
  const found = environments.flatMap((name) => ctx.environments.get(name) ?? []);
  const instances = await Promise.all(
    found.map(async (environment) => {
      const override = declared.overrides.get(environment.name);
      const tree = merged(declared.base, override);
      const base = { declared, environment, tree };
      if (each === undefined) return [{ ...base, name: declared.name, scope: scopeWith(environment, [['target.name', declared.name]]), matched: false }];
      return expandEach(base, ctx);
    }),
  );
  return instances.flat();
}

function merged(base: MapTree, override: Tree | undefined): MapTree {
  const tree = override === undefined ? base : mergeTrees(base, override);
  return tree.kind === 'map' ? tree : base;
}

async function expandEach(base: Pick<Instance, 'declared' | 'environment' | 'tree'>, ctx: Context): Promise<readonly Instance[]> {
  const { declared, environment } = base;
  const at = declared.key;
  const path = ['targets', declared.name, 'each'];
  const where = formatPath(path);
  const folders = fill(declared.declaration.each?.folders ?? '', { scope: environment.scope, at, where: [...path, 'folders'], ctx });
  if (folders === undefined) return [];
  const problem = patternProblem(folders, { anyDepth: false });
  if (problem !== undefined) {
    ctx.report.add({ at, message: `${where}.folders: ${quote(folders)} cannot be used: ${problem}`, remedy: 'write a pattern such as "infra/*/*"' });
    return [];
  }
  const matches = await findMatches(folders, { base: declared.file.folder, reader: ctx.reader, want: 'folder' });
  if (matches.length === 0) ctx.warn(`${environment.name}/${declared.name}`, `no folder matches ${quote(folders)}`);
  return matches.flatMap((match) => {
    const captured = [match.relative, ...match.captures].map((text, index): [string, Scalar] => [`match.${index}`, text]);
    if (match.relative.includes('${')) {
      ctx.report.add({ at, message: `${where}.folders: the folder ${quote(match.relative)} has \${ in its name`, remedy: 'rename the folder' });
      return [];
    }
    const matching = scopeWith(environment, captured);
    const name = fill(declared.declaration.each?.name ?? '', { scope: matching, at, where: [...path, 'name'], ctx });
    if (name === undefined) return [];
    const [fact, remedy] = nameProblem(name)?.split('\n') ?? [];
    if (fact !== undefined) {
      ctx.report.add({ at, message: `${where}.name: ${fact}, made from the folder ${quote(match.relative)}`, remedy: `${remedy ?? ''}: rename the folder, or match fewer` });
      return [];
    }
    return [{ ...base, name, scope: new Map([...matching, ['target.name', name]]), matched: true }];
  });
}

function scopeWith(environment: EnvironmentEntry, more: readonly (readonly [string, Scalar])[]): Scope {
  return new Map([...environment.scope, ...more]);
}

interface Filling {
  readonly scope: Scope;
  readonly at: Place;
  readonly where: readonly string[];
  readonly ctx: Context;
}

/** Replaces the variables of `each`; `undefined` when one is not known, which is reported. */
function fill(template: string, { scope, at, where, ctx }: Filling): string | undefined {
  const problems: NewProblem[] = [];
  const report = { add: (problem: NewProblem) => { problems.push(problem); } };
  const replace = substitution({ scope, report, where: [], rootFolder: ctx.rootFolder, maySecret: () => false });
  const value = replace({ kind: 'scalar', at, value: template }, where);
  for (const problem of problems) ctx.report.add(problem);
  return problems.length === 0 ? String(value) : undefined;
}

/** The place of a field of an instance, or of its declaration when it has none. */
export function placeOf(instance: Instance, field: string): Place {
  return child(instance.tree, field)?.at ?? instance.declared.key;
}
