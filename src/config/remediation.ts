import { CLASSES } from '../domain/deciding/class.js';
import { REMEDIATIONS, settingsOf, type RemediationInput, type Settings } from '../domain/deciding/remediation.js';
import type { Remediation, Target } from '../domain/target.js';
import type { EnvironmentEntry } from './environments.js';
import { type Instance } from './expand.js';
import type { Report } from './problem.js';
import type { Resolved } from './rules.js';
import { quote, suggest } from './text.js';
import { locate } from './tree.js';

type Remediated = Pick<Target, 'remediation' | 'settings'>;

export interface RemediationContext {
  readonly report: Report;
  /** Matches of `each` that are remembered; another one begins in `observe`. */
  readonly known?: ReadonlySet<string>;
}

/** What is done about drift of a target, by class; a new match of `each` is watched first. */
export function targetRemediation(input: RemediationInput | undefined, instance: Instance, { report, known }: RemediationContext): Remediated {
  const { environment, declared, matched, name } = instance;
  const given = { environment: environment.name, target: name, provider: declared.declaration.provider, ofEnvironment: environment.input.remediation };
  if (input !== undefined) expectAllowed(input, { instance, allowed: settingsOf(given), report });
  if (matched && known !== undefined && !known.has(`${environment.name}/${name}`)) return { remediation: 'observe' };
  const settings = settingsOf({ ...given, ...(input === undefined ? {} : { ofTarget: input }) });
  const remediation = settings.default.remediation;
  return isPlain(environment.input.remediation) && (input === undefined || isPlain(input)) ? { remediation } : { remediation, settings };
}

function isPlain({ classes, providers, share }: RemediationInput): boolean {
  return classes === undefined && providers === undefined && share === undefined;
}

interface Allowing {
  readonly instance: Instance;
  readonly allowed: Settings;
  readonly report: Report;
}

/** An included file may restrict what the root allows, and not widen it. */
function expectAllowed(input: RemediationInput, { instance, allowed, report }: Allowing): void {
  const { environment, declared } = instance;
  const raises = (path: readonly PropertyKey[], wanted: Remediation | undefined, most: Remediation): void => {
    const written = locate(instance.tree, path);
    const byRoot = written.tree === undefined || written.at.file === environment.tree.at.file;
    if (wanted === undefined || byRoot || REMEDIATIONS.indexOf(wanted) <= REMEDIATIONS.indexOf(most)) return;
    report.add({
      at: written.at, message: `targets.${[declared.name, ...path.map(String)].join('.')}: an included file may not raise ${most} of ${environment.name} to ${wanted}`,
      remedy: 'set it in the root configuration, or leave it out',
    });
  };
  raises(locate(instance.tree, ['remediation', 'default']).tree === undefined ? ['remediation'] : ['remediation', 'default'], input.default, allowed.default.remediation);
  for (const each of CLASSES) raises(['remediation', 'classes', each], input.classes?.[each], (allowed.classes[each] ?? allowed.default).remediation);
}

/** Whether any change of the target may be repaired without a person. */
export function mayBeAutomatic({ remediation, settings }: Remediated): boolean {
  return remediation === 'auto' || Object.values(settings?.classes ?? {}).some((each) => each.remediation === 'auto');
}

export interface Naming {
  readonly environments: Iterable<EnvironmentEntry>;
  readonly providers: readonly string[];
  readonly resolved: readonly Resolved[];
  readonly report: Report;
  readonly warn: (where: string, message: string) => void;
}

/** What an environment's `remediation` names must be there. A target that `each` has found may vanish again: then it is said alone. */
export function checkRemediation({ environments, providers, resolved, report, warn }: Naming): void {
  for (const { name, input, tree } of environments) {
    const where = `environments.${name}.remediation`;
    const add = (path: readonly PropertyKey[], fact: string, remedy: string): void => report.add({ at: locate(tree, ['remediation', ...path]).at, message: `${where}.${path.map(String).join('.')}: ${fact}`, remedy });
    for (const provider of Object.keys(input.remediation.providers ?? {})) {
      if (!providers.includes(provider)) add(['providers', provider], `${quote(provider)} is no provider`, suggest(provider, providers));
    }
    const { share } = input.remediation;
    if (share === undefined || !('targets' in share)) continue;
    const here = resolved.filter(({ target }) => target.environment === name);
    const found = here.some(({ instance }) => instance.matched);
    for (const [index, target] of share.targets.entries()) {
      if (here.some((each) => each.target.target === target)) continue;
      if (found) warn(`${where}.auto.targets`, `${quote(target)} is not a target of ${name} now`);
      else add(['auto', 'targets', index], `${quote(target)} is not a target of ${name}`, suggest(target, here.map((each) => each.target.target)));
    }
  }
}
