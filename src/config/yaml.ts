import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar as YamlScalar } from 'yaml';
import type { Report, SourceFile } from './problem.js';
import { quote } from './text.js';
import type { MapEntry, MapTree, Scalar, Tree } from './tree.js';

const DEEPEST = 64;
const MOST_VALUES = 200_000;

/** Parses one YAML document and keeps every place. Says what is wrong in the report and returns `undefined` when it is unusable. */
export function parseYaml(path: string, text: string, report: Report, empty = 'run `holdfast init` to write a first configuration'): MapTree | undefined {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: false, version: '1.2', prettyErrors: false, stringKeys: false });
  const file: SourceFile = { path, text, lineStarts: counter.lineStarts.length === 0 ? [0] : counter.lineStarts };
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const deep = error.code === 'RESOURCE_EXHAUSTION';
    const message = deep ? 'the values are nested too deeply' : `this is not valid YAML: ${factOf(error.code, error.message)}`;
    const remedy = deep ? `nest at most ${DEEPEST} levels` : remedyFor(error.code);
    report.add({ at: { file, offset: Math.min(error.pos[0], text.length) }, message, remedy });
    return undefined;
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    report.add({ at: { file }, message: 'the file is empty', remedy: empty });
    return undefined;
  }
  const convert: Conversion = { file, report, anchors: new Map(), open: new Set(), values: 0, stopped: false };
  const tree = toTree(document.contents, convert, 0);
  if (convert.stopped || tree === undefined) return undefined;
  if (tree.kind !== 'map') {
    report.add({ at: tree.at, message: 'a configuration is a list of `key: value` lines', remedy: 'begin with `version: 1`' });
    return undefined;
  }
  return tree;
}

interface Conversion {
  readonly file: SourceFile;
  readonly report: Report;
  readonly anchors: Map<string, Node>;
  /** Nodes being converted, so that an alias inside its own anchor is found. */
  readonly open: Set<Node>;
  values: number;
  stopped: boolean;
}

function toTree(node: Node, ctx: Conversion, depth: number): Tree | undefined {
  if (ctx.stopped) return undefined;
  ctx.values += 1;
  if (depth > DEEPEST) return stop(ctx, node, 'the values are nested too deeply', `nest at most ${DEEPEST} levels`);
  if (ctx.values > MOST_VALUES) return stop(ctx, node, 'aliases or lists expand to too many values', `keep a file below ${MOST_VALUES} values`);
  if (isAlias(node)) return aliasTree(node, ctx, depth);
  if (node.anchor !== undefined && node.anchor !== '') ctx.anchors.set(node.anchor, node);
  const at = { file: ctx.file, offset: node.range?.[0] ?? 0 };
  if (isScalar(node)) return { kind: 'scalar', at, value: scalarValue(node, ctx) };
  ctx.open.add(node);
  try {
    if (isSeq(node)) {
      const items = node.items.map((item) => toTree(item as Node, ctx, depth + 1)).filter((item) => item !== undefined);
      return { kind: 'list', at, items };
    }
    return isMap(node) ? { kind: 'map', at, entries: mapEntries(node.items as { key: Node; value: Node | null }[], ctx, depth) } : undefined;
  } finally {
    ctx.open.delete(node);
  }
}

function aliasTree(alias: Alias, ctx: Conversion, depth: number): Tree | undefined {
  const anchored = ctx.anchors.get(alias.source);
  if (anchored === undefined || ctx.open.has(anchored)) {
    return stop(ctx, alias, `the alias *${alias.source} points at nothing usable`, 'write the value out, or define its anchor before it');
  }
  return toTree(anchored, ctx, depth);
}

function mapEntries(items: readonly { key: Node; value: Node | null }[], ctx: Conversion, depth: number): Map<string, MapEntry> {
  const entries = new Map<string, MapEntry>();
  for (const { key, value } of items) {
    const at = { file: ctx.file, offset: key.range?.[0] ?? 0 };
    if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
      ctx.report.add({ at, message: 'a key must be a plain word', remedy: 'write `key: value`' });
      continue;
    }
    const name = typeof key.value === 'string' ? key.value : (key.source ?? '');
    if (name === '__proto__') {
      ctx.report.add({ at, message: '"__proto__" cannot be a key', remedy: 'choose another name' });
      continue;
    }
    if (entries.has(name)) {
      ctx.report.add({ at, message: `the key ${quote(name)} is given twice`, remedy: 'keep one of them' });
      continue;
    }
    const tree = value === null ? { kind: 'scalar' as const, at, value: null } : toTree(value, ctx, depth + 1);
    if (tree !== undefined) entries.set(name, { key: at, value: tree });
  }
  return entries;
}

function scalarValue(node: YamlScalar, ctx: Conversion): Scalar {
  const { value, source } = node;
  const at = { file: ctx.file, offset: node.range?.[0] ?? 0 };
  if (typeof value === 'bigint') return String(value);
  const written = source ?? '';
  if (typeof value !== 'number') return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : written;
  if (!Number.isFinite(value)) {
    ctx.report.add({ at, message: `${quote(written)} is not a number that can be used`, remedy: 'write a finite number, or quote it if it is text' });
    return 0;
  }
  if (/^[-+]?0\d/.test(written)) {
    ctx.report.add({ at, message: `${written} would lose its leading zero`, remedy: `quote it ("${written}") if it is text or a file mode` });
  } else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    ctx.report.add({ at, message: `${quote(written)} is too large to be kept exactly`, remedy: `quote it ("${written.slice(0, 40)}") if it is an identifier` });
  }
  return value;
}

function stop(ctx: Conversion, node: Node, message: string, remedy: string): Tree | undefined {
  ctx.stopped = true;
  ctx.report.add({ at: { file: ctx.file, offset: node.range?.[0] ?? 0 }, message, remedy });
  return undefined;
}

/** The parser quotes what it met, which may be a secret or a control sequence: only what it says about it is kept. */
function factOf(code: string, message: string): string {
  const line = message.split('\n')[0] ?? '';
  const fact = code === 'TAG_RESOLVE_FAILED' ? line : line.replace(/: .*$/, '');
  return quote(fact, 160).slice(1, -1);
}

function remedyFor(code: string): string {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'MULTIPLE_DOCS') return 'keep one document in the file, without a second `---`';
  if (code === 'TAG_RESOLVE_FAILED') return 'remove the tag';
  return 'check indentation, colons and quotes on this line and the one before';
}
