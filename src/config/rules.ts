import { dirname } from 'node:path';
import { isJsonObject } from '../domain/json.js';
import { formatAddress } from '../domain/address.js';
import type { Target } from '../domain/target.js';
import type { Instance } from './expand.js';
import { checkAfter } from './order.js';
import type { Report } from './problem.js';
import { mayBeAutomatic } from './remediation.js';
import { quote } from './text.js';
import { locate } from './tree.js';

export interface Resolved {
  readonly instance: Instance;
  readonly target: Target;
}

/** What holds between targets, and between a target and its environment. */
export function checkTargets(resolved: readonly Resolved[], environments: readonly string[], report: Report): void {
  for (const each of resolved) checkHealth(each, report);
  checkRoots(resolved, report);
  checkAfter(resolved, environments, report);
}

/** Without a health check nobody would know that an automatic repair did harm. */
function checkHealth({ instance, target }: Resolved, report: Report): void {
  const { declared, environment, tree } = instance;
  // A new match waits in `observe`, and becomes automatic with the rest: it is held to the same rule.
  const written = locate(tree, ['remediation']).tree;
  const wanted = written?.kind === 'scalar' && typeof written.value === 'string' && !written.value.includes('${') ? written.value : environment.input.remediation.default;
  if (target.health.length > 0 || (!mayBeAutomatic(target) && (wanted !== 'auto' || target.settings !== undefined))) return;
  report.add({
    at: declared.key,
    message: `targets.${declared.name}: remediation is auto in ${environment.name}, which needs a health check`,
    remedy: `add health: [{ type: http, url: "http://…/healthz" }], or set overrides: { ${environment.name}: { remediation: ask } }`,
  });
}

/** Two targets that write the same files would repair each other's repairs. Pools are places: the same path in two is two. */
function checkRoots(resolved: readonly Resolved[], report: Report): void {
  const roots = new Map<string, Resolved>();
  const keyOf = (pool: string, root: string) => `${pool}\n${root}`;
  for (const each of resolved) {
    const root = rootOf(each.target);
    if (root === undefined) continue;
    const key = keyOf(each.target.pool, root);
    const other = roots.get(key);
    if (other === undefined) roots.set(key, each);
    else reportOverlap(each, `${quote(root, 200)} is also the root of ${formatAddress(other.target)}`, report);
  }
  for (const each of resolved) {
    const root = rootOf(each.target);
    if (root === undefined) continue;
    for (let above = dirname(root); above !== dirname(above); above = dirname(above)) {
      const other = roots.get(keyOf(each.target.pool, above));
      if (other !== undefined) reportOverlap(each, `${quote(root, 200)} lies inside the root of ${formatAddress(other.target)}, ${quote(above, 200)}`, report);
    }
  }
}

function rootOf(target: Target): string | undefined {
  const root = target.provider === 'files' && isJsonObject(target.spec) ? target.spec['root'] : undefined;
  return typeof root === 'string' ? root : undefined;
}

function reportOverlap({ instance }: Resolved, fact: string, report: Report): void {
  const { at } = locate(instance.tree, ['spec', 'root']);
  report.add({
    at,
    message: `targets.${instance.declared.name}.spec.root: in ${instance.environment.name}, ${fact}`,
    remedy: 'let one target own each folder: use ${target.environment} or ${match.N} in the path, or merge the targets',
  });
}
