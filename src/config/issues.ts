import type { z } from 'zod';
import type { Report } from './problem.js';
import { formatPath, quote, suggest } from './text.js';
import { locate, locateKey, type Tree } from './tree.js';

export interface CheckOptions {
  readonly report: Report;
  /** Where the value stands, for the messages: `targets.web`. */
  readonly where: readonly PropertyKey[];
  /** The tree the value came from. */
  readonly tree: Tree;
  /** Keys of the tree whose lines are not shown: what stands there instead of a reference may be a secret. */
  readonly hidden?: readonly PropertyKey[];
}

type Issue = z.core.$ZodIssue;

/** Checks a value; what is wrong is reported at its place, and nothing is returned. */
export function check<Output>(schema: z.ZodType<Output>, value: unknown, options: CheckOptions): Output | undefined {
  const result = schema.safeParse(value, { error: describeUnknownKeys });
  if (result.success) return result.data;
  for (const issue of result.error.issues.flatMap((each) => unfold(each))) reportIssue(issue, options);
  return undefined;
}

/**
 * zod says which keys are unknown, and only here, while it still has the schema at hand, which are
 * known: one remedy per key, in their order.
 */
function describeUnknownKeys(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'unrecognized_keys') return undefined;
  const definition = issue.inst?._zod.def as { shape?: Record<string, unknown> } | undefined;
  const known = Object.keys(definition?.shape ?? {});
  return issue.keys.map((key) => (key === '<<' ? 'merge keys are not read: write the keys out, or take a whole value with *NAME' : suggest(key, known))).join('\n');
}

/** Of the branches of a union, the one that came furthest is what was meant. */
function unfold(issue: Issue, above: readonly PropertyKey[] = []): Issue[] {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path }];
  const branches = issue.errors.map((errors) => errors.flatMap((each) => unfold(each, path)));
  const reached = branches.filter((branch) => !branch.some((each) => each.code === 'invalid_type' && each.path.length === path.length));
  const [best] = reached.sort((a, b) => depthOf(b) - depthOf(a) || a.length - b.length);
  return best ?? [{ ...issue, path }];
}

function depthOf(branch: readonly Issue[]): number {
  return Math.max(...branch.map((each) => each.path.length));
}

function reportIssue(issue: Issue, options: CheckOptions): void {
  if (issue.code === 'unrecognized_keys') return reportUnknownKeys(issue, options);
  const { report, where, tree } = options;
  const field = formatPath([...where, ...issue.path]);
  const found = locate(tree, issue.path);
  const inner = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue;
  const at = issue.code === 'invalid_key' ? locateKey(tree, issue.path) : found.at;
  const secret = isHidden(issue.path, options) || (inner.code === 'custom' && inner.params?.['secret'] === true);
  if (found.tree === undefined && inner.code !== 'custom') {
    const key = String(issue.path.at(-1) ?? '');
    report.add({ at, secret, message: `${field} is missing`, remedy: remedyOf(inner) ?? `add \`${key}\`` });
    return;
  }
  const [fact, remedy] = factOf(inner, found.tree);
  report.add({ at, secret, message: field === '' ? fact : `${field}: ${fact}`, remedy });
}

function isHidden([first]: readonly PropertyKey[], { hidden = [] }: CheckOptions): boolean {
  return first !== undefined && hidden.includes(first);
}

function reportUnknownKeys(issue: Issue & { code: 'unrecognized_keys' }, options: CheckOptions): void {
  const { report, where, tree } = options;
  const remedies = issue.message.split('\n');
  for (const [index, key] of issue.keys.entries()) {
    const above = formatPath([...where, ...issue.path]);
    const at = locateKey(tree, [...issue.path, key]);
    report.add({ at, secret: isHidden([...issue.path, key], options), message: `unknown key ${quote(key)}${above === '' ? '' : ` in ${above}`}`, remedy: remedies[index] ?? 'remove it' });
  }
}

function remedyOf(issue: Issue): string | undefined {
  return issue.message.split('\n')[1];
}

function factOf(issue: Issue, tree: Tree | undefined): [string, string] {
  const [fact = '', remedy] = issue.message.split('\n');
  if (remedy !== undefined) return [fact, remedy];
  switch (issue.code) {
    case 'invalid_type':
      return [`expected ${KINDS[issue.expected] ?? issue.expected}, found ${kindOf(tree)}`, REMEDIES[issue.expected] ?? 'write a value of that kind'];
    case 'invalid_value': {
      const known = issue.values.map(String);
      if (tree?.kind === 'scalar' && typeof tree.value === 'string') return [`${quote(tree.value)} is not one of ${known.join(', ')}`, suggest(tree.value, known)];
      return [`expected one of ${known.join(', ')}, found ${kindOf(tree)}`, `write ${known[0] ?? ''}`];
    }
    case 'too_small':
      return [`is too small: at least ${issue.minimum}${unitOf(issue.origin)}`, 'give more'];
    case 'too_big':
      return [`is too large: at most ${issue.maximum}${unitOf(issue.origin)}`, 'give less'];
    case 'invalid_format':
      return ['is not written as it must be', 'see docs/configuration.md for its form'];
    case 'invalid_union':
      return unionFact(issue, tree);
    case 'custom':
      return [fact === 'Invalid input' ? 'is not valid' : fact, 'see docs/configuration.md'];
    default:
      return [fact, 'see docs/configuration.md'];
  }
}

function unionFact(issue: Issue & { code: 'invalid_union' }, tree: Tree | undefined): [string, string] {
  const options = (issue as { options?: readonly unknown[] }).options?.map(String);
  if (options !== undefined && tree?.kind === 'scalar') return [`${quote(String(tree.value))} is not one of ${options.join(', ')}`, suggest(String(tree.value), options)];
  const expected = issue.errors.flatMap((branch) => branch.map((each) => (each.code === 'invalid_type' ? (KINDS[each.expected] ?? each.expected) : undefined)));
  const kinds = [...new Set(expected.filter((kind) => kind !== undefined))];
  return [`expected ${kinds.join(' or ') || 'another form'}, found ${kindOf(tree)}`, 'see docs/configuration.md for its forms'];
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' || origin === 'map' ? ' items' : '';
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', object: 'keys with values', record: 'keys with values',
};

const REMEDIES: Readonly<Record<string, string>> = {
  string: 'put the value in quotes', number: 'write a number without quotes', int: 'write a whole number without quotes', boolean: 'write true or false without quotes',
  array: 'write [one, two]', object: 'write { key: value }', record: 'write { key: value }',
};

/** What was found, without repeating it: it may be a secret in the wrong place. */
function kindOf(tree: Tree | undefined): string {
  if (tree === undefined) return 'nothing';
  if (tree.kind === 'list') return 'a list';
  if (tree.kind === 'map') return 'keys with values';
  if (tree.value === null) return 'nothing';
  if (typeof tree.value === 'string') return 'text';
  return `${tree.value}`;
}
