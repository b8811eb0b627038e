import { dirname, isAbsolute, join, relative } from 'node:path';
import type { Report } from './problem.js';
import { formatPath, quote, suggest } from './text.js';
import { leaves, type MapScalar, type Scalar, type ScalarTree, type Tree } from './tree.js';

/** What `${…}` may name: `vars.port`, `target.name`, `match.1`. */
export type Scope = ReadonlyMap<string, Scalar>;

export interface Substitution {
  readonly scope: Scope;
  readonly report: Pick<Report, 'add'>;
  /** What it is about, for the messages: `targets.web`. */
  readonly where: readonly PropertyKey[];
  /** Relative `${file:…}` references count from here in the result. */
  readonly rootFolder: string;
  /** Whether a reference to a secret may stand at this path. */
  readonly maySecret: (path: readonly PropertyKey[]) => boolean;
}

const EXPRESSION = /\$\{([^{}]*)\}/g;
const SECRET = /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^\n]+)$/;
const SECRET_REMEDY = 'write ${env:NAME} or ${file:path}';

/**
 * Replaces `${…}` in scalars. A value that is one variable and nothing else keeps the variable's
 * kind. What a variable holds is never expanded again. References to secrets stay as they are, for
 * whoever uses them.
 */
export function substitution(options: Substitution): MapScalar {
  return (scalar, path) => {
    if (typeof scalar.value !== 'string' || !scalar.value.includes('${')) return scalar.value;
    const whole = /^\$\{([^{}]*)\}$/.exec(scalar.value)?.[1];
    if (whole !== undefined) return expand(whole, scalar, path, options);
    const rest = scalar.value.replace(EXPRESSION, '');
    if (rest.includes('${')) {
      options.report.add({ at: scalar.at, message: `${fieldOf(options, path)}: a \`\${\` is not closed, or another stands inside it`, remedy: 'write ${vars.name}; expressions do not nest' });
      return scalar.value;
    }
    return scalar.value.replace(EXPRESSION, (_, inner: string) => String(expand(inner, scalar, path, options)));
  };
}

function expand(inner: string, scalar: ScalarTree, path: readonly PropertyKey[], options: Substitution): Scalar {
  const { scope, report, maySecret } = options;
  if (inner.startsWith('env:') || inner.startsWith('file:')) {
    if (!SECRET.test(inner)) report.add({ at: scalar.at, message: `${fieldOf(options, path)}: \${${quote(inner).slice(1, -1)}} is not a reference to a secret`, remedy: SECRET_REMEDY });
    else if (!maySecret(path)) {
      report.add({ at: scalar.at, message: `${fieldOf(options, path)}: a secret may not be used here, where values are shown and stored`, remedy: 'use ${vars.name}, or move the secret to a field that may hold one (spec, source.auth, headers, env)' });
    }
    return `\${${inner.startsWith('file:') ? `file:${rebased(inner.slice(5), scalar, options.rootFolder)}` : inner}}`;
  }
  const value = scope.get(inner);
  if (value !== undefined) return value;
  report.add({ at: scalar.at, message: `${fieldOf(options, path)}: \${${quote(inner).slice(1, -1)}} names no variable${placeOf(scope)}`, remedy: suggest(inner, [...scope.keys()]) });
  return '';
}

function fieldOf({ where }: Substitution, path: readonly PropertyKey[]): string {
  return formatPath([...where, ...path]);
}

function placeOf(scope: Scope): string {
  const environment = scope.get('environment');
  return environment === undefined ? '' : ` in ${String(environment)}`;
}

/** A secret's file is named relative to the file that names it; whoever resolves it knows only the root. */
function rebased(path: string, scalar: ScalarTree, rootFolder: string): string {
  const folder = dirname(scalar.at.file.path);
  return isAbsolute(path) || folder === rootFolder ? path : relative(rootFolder, join(folder, path));
}

/** Outside targets nothing is substituted: a `${…}` there would be taken literally, so it is refused. */
export function refuseExpressions(tree: Tree, options: { readonly report: Report; readonly where: readonly PropertyKey[]; readonly allowed: (path: readonly PropertyKey[]) => boolean }): void {
  const { report, where, allowed } = options;
  for (const { path, leaf } of leaves(tree)) {
    if (leaf.kind !== 'scalar' || typeof leaf.value !== 'string' || !leaf.value.includes('${') || allowed(path)) continue;
    report.add({ at: leaf.at, message: `${formatPath([...where, ...path])}: \${…} is not replaced here`, remedy: 'variables work within targets and defaults; write the value itself' });
  }
}
