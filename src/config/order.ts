import { formatAddress } from '../domain/address.js';
import { dependenciesOf } from '../domain/gates/after.js';
import type { Report } from './problem.js';
import type { Resolved } from './rules.js';
import { quote, suggest } from './text.js';
import { locate } from './tree.js';

/** What a target comes after is another environment or a target of its own, and does not come after it in turn. */
export function checkAfter(resolved: readonly Resolved[], names: readonly string[], report: Report): void {
  const targets = new Map(resolved.map((each) => [formatAddress(each.target), each]));
  for (const each of resolved) for (const [index, name] of each.target.after.entries()) checkName(each, { name, index, targets, names }, report);
  checkCircles(resolved, { targets, names }, report);
}

interface Named {
  readonly name: string;
  readonly index: number;
  readonly targets: ReadonlyMap<string, Resolved>;
  readonly names: readonly string[];
}

function checkName({ instance, target }: Resolved, { name, index, targets, names }: Named, report: Report): void {
  const { environment } = target;
  const isTarget = targets.has(`${environment}/${name}`);
  const isEnvironment = names.includes(name);
  if (isTarget !== isEnvironment) return;
  const add = (fact: string, remedy: string) => report.add({ at: locate(instance.tree, ['after', index]).at, message: `targets.${instance.declared.name}.after: ${quote(name)} ${fact}`, remedy });
  if (isTarget) return add(`is both an environment and a target of ${environment}`, 'rename one of them');
  const here = [...targets.values()].filter((each) => each.target.environment === environment).map((each) => each.target.target);
  add(`is not a target of ${environment}, nor an environment`, suggest(name, [...here, ...names]));
}

/** An environment that waits for another never makes that wait for it, whichever targets they are: one cause may have drifted several. */
function checkCircles(resolved: readonly Resolved[], { targets, names }: Pick<Named, 'targets' | 'names'>, report: Report): void {
  const edges = new Map<string, Set<string>>();
  const said = new Set<string>();
  for (const each of resolved) {
    for (const dependency of dependenciesOf(each.target, names)) {
      const here = dependency.environment === each.target.environment;
      const [from, to] = here ? [formatAddress(each.target), formatAddress(dependency)] : [each.target.environment, dependency.environment];
      if (here && !targets.has(to)) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
      const circle = pathBetween(edges, to, from);
      if (circle === undefined || said.has([...circle].sort().join())) continue;
      said.add([...circle].sort().join());
      report.add({
        at: locate(each.instance.tree, ['after']).at,
        message: `targets.${each.instance.declared.name}.after: goes in a circle: ${[...circle, to].join(' → ')}`,
        remedy: here ? 'remove one of these' : `remove one of these, or set it in one environment alone: overrides: { ${each.target.environment}: { after: [${dependency.name}] } }`,
      });
    }
  }
}

/** The way along the edges, both ends included. */
function pathBetween(edges: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): readonly string[] | undefined {
  const seen = new Set<string>();
  const visit = (at: string): readonly string[] | undefined => {
    if (at === to) return [at];
    if (seen.has(at)) return undefined;
    seen.add(at);
    for (const next of edges.get(at) ?? []) {
      const rest = visit(next);
      if (rest !== undefined) return [at, ...rest];
    }
    return undefined;
  };
  return visit(from);
}
