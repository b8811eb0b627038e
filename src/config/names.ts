import { basename } from 'node:path';
import { TIER_WORDS } from '../domain/deciding/risk.js';
import { formatAddress } from '../domain/address.js';
import type { Compared, Condition } from '../policy/condition.js';
import type { RuleFile } from '../policy/rule.js';
import { compileGlob } from '../providers/glob.js';
import { placeIn } from './conditions.js';
import type { ConfigWarning } from './config.js';
import type { EnvironmentEntry } from './environments.js';
import { type Place, positionOf, type Report } from './problem.js';
import type { Resolved } from './rules.js';
import { nearest, quote, suggest } from './text.js';

export interface Naming {
  readonly policies: readonly RuleFile[];
  readonly environments: Iterable<EnvironmentEntry>;
  readonly resolved: readonly Resolved[];
  readonly providers: readonly string[];
  readonly report: Report;
}

/** Known to the rules of every version, whether it reads them or not. */
const ENGINES: readonly string[] = ['files', 'opentofu', 'kubernetes', 'postgres', 'exec'];

/** The names that a member can have here. `isFree`: any word may stand there, and only a slip of a known one is told. */
interface Known {
  readonly names: readonly string[];
  readonly isFree?: true;
}

/**
 * Conditions that compare a name with one that is nowhere in this configuration. Most are said and not
 * refused: files of rules are shared between projects and versions, and what `each` finds may vanish and
 * come again. Refused is an environment in the configuration's own `approvals.rules`, where a slip would
 * ask fewer people.
 */
export function unknownNames({ policies, environments, resolved, providers, report }: Naming): readonly ConfigWarning[] {
  const entries = [...environments];
  const engines = { names: [...new Set([...providers, ...ENGINES])].sort() };
  const known = { ...knownNames(entries, resolved), 'target.provider': engines };
  const warnings: ConfigWarning[] = [];
  for (const rule of policies.flatMap(({ rules }) => rules)) {
    for (const word of rule.on.provider ?? []) if (!engines.names.some(compileGlob(word))) warnings.push({ where: `rule ${rule.name} (${rule.at})`, message: `on.provider: ${quote(word)} is no provider: ${suggest(word, engines.names)}` });
    if (rule.when === undefined) continue;
    for (const stranger of strangersIn(rule.when, known)) warnings.push(warningOf(stranger, `rule ${rule.name}`, () => rule.at.replace(/:\d+$/, '')));
  }
  for (const { name: environment, conditions } of entries) {
    for (const condition of conditions) {
      for (const stranger of strangersIn(condition, known)) {
        const { name, text, found, meant } = stranger;
        if (name === 'environment.name' && found !== undefined) report.add({ at: found.at, message: `${found.where}: ${name} is never ${quote(text)}`, remedy: meant });
        else warnings.push(warningOf(stranger, `environments.${environment}.approvals.rules`, ({ file }) => basename(file.path)));
      }
    }
  }
  return warnings;
}

function knownNames(environments: readonly EnvironmentEntry[], resolved: readonly Resolved[]) {
  const targets = resolved.map(({ target }) => target);
  const some = (names: readonly (string | undefined)[]): readonly string[] => [...new Set(names.flatMap((name) => name ?? []))].sort();
  return {
    'environment.name': { names: some(environments.map(({ name }) => name)) },
    'environment.owner': { names: some(environments.map(({ environment }) => environment.owner)), isFree: true },
    'environment.timezone': { names: some(environments.map(({ environment }) => environment.timezone)), isFree: true },
    'target.name': { names: some(targets.map(({ target }) => target)) },
    'target.address': { names: some(targets.map(formatAddress)) },
    'target.pool': { names: some([...environments.map(({ environment }) => environment.pool), ...targets.map(({ pool }) => pool)]) },
    'target.owner': { names: some(targets.map(({ owner }) => owner)), isFree: true },
    'intent.tier': { names: some([...TIER_WORDS, ...targets.map(({ intent }) => (typeof intent?.tier === 'string' ? intent.tier : undefined))]), isFree: true },
  } satisfies Readonly<Record<string, Known>>;
}

interface Stranger {
  readonly name: string;
  readonly text: string;
  /** Absent for what was read from no file. */
  readonly found: ReturnType<typeof placeIn>;
  /** `did you mean "prod"?`, or what there is. */
  readonly meant: string;
}

function warningOf({ name, text, found, meant }: Stranger, of: string, fileOf: (at: Place) => string): ConfigWarning {
  const at = found?.at;
  const place = at?.offset === undefined ? undefined : positionOf(at.file, at.offset);
  return { where: at === undefined || place === undefined ? of : `${of} (${fileOf(at)}:${place.line}:${place.column})`, message: `${name} is never ${quote(text)} in this configuration: ${meant}` };
}

function strangersIn(condition: Condition, known: Readonly<Record<string, Known | undefined>>): readonly Stranger[] {
  return condition.compared.flatMap((compared) => {
    const here = Object.hasOwn(known, compared.name) ? known[compared.name] : undefined;
    if (here === undefined || here.names.length === 0) return [];
    return strangers(compared, here).map(({ text, offset }) => ({ name: compared.name, text, found: placeIn(condition, offset), meant: suggest(text, here.names) }));
  });
}

/** A list may name what other projects have, beside what is here: there only a slip is told. */
function strangers({ words }: Compared, { names, isFree }: Known): Compared['words'] {
  const isOurs = words.some(({ text }) => names.includes(text));
  return words.filter(({ text }) => {
    if (text === '' || names.includes(text)) return false;
    const meant = nearest(text, names);
    const isSlip = meant !== undefined && !words.some((other) => other.text === meant);
    return isSlip || (isFree !== true && !isOurs);
  });
}
