import type { Change, Observation } from '../../domain/change.js';
import type { Json } from '../../domain/json.js';
import { markdown, markdownBlock, markdownCode, plain, plainLines } from './escape.js';
import type { Style } from './style.js';
import { indent } from './table.js';

/** Longer values are cut: a value is a hint here, the whole of it is in `-o json`. */
const VALUE_LIMIT = 100;

const SIGN: Readonly<Record<Change['kind'], string>> = { changed: '~', missing: '-', unmanaged: '+' };

/** What the drift is, resource by resource, as `tofu plan` would say it: what should be → what is. */
export function changeLines(changes: readonly Change[], style: Style): readonly string[] {
  return byResource(changes).flatMap(([resource, group]) => [resourceLine(resource, group, style), ...group.flatMap((change) => oneChange(change, style))]);
}

export function changeMarkdown(changes: readonly Change[]): string {
  const rows = changes.map((change) => `| ${markdownCode(change.resource)} | ${pathMarkdown(change)} | ${change.kind} | ${valueMarkdown(change, 'desired')} | ${valueMarkdown(change, 'actual')} |`);
  const diffs = changes.filter((change) => change.text !== undefined && !change.sensitive);
  const blocks = diffs.map((change) => `${markdownCode(change.resource)}\n\n${markdownBlock(plainLines(change.text ?? ''), 'diff')}`);
  return ['| Resource | Path | Kind | Desired | Actual |', '| --- | --- | --- | --- | --- |', ...rows, ...blocks.map((block) => `\n${block}`)].join('\n');
}

export function verdictLine(observation: Observation): string {
  const { changes, resources } = observation;
  const compared = count(resources, 'resource');
  if (observation.verdict === 'unknown') return plain(observation.reason ?? 'no reason was given');
  if (observation.verdict === 'clean') return `${compared} as desired`;
  return `${count(changes.length, 'change')} in ${compared}`;
}

export function valueText(value: Json | undefined): string {
  if (value === undefined) return '(absent)';
  const text = plain(JSON.stringify(value));
  return text.length > VALUE_LIMIT ? `${text.slice(0, VALUE_LIMIT - 1)}…` : text;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function resourceLine(resource: string, group: readonly Change[], style: Style): string {
  const whole = group.find((change) => change.path === '');
  const kind = whole?.kind ?? 'changed';
  const sign = kind === 'missing' ? style.red(SIGN[kind]) : kind === 'unmanaged' ? style.green(SIGN[kind]) : style.yellow(SIGN[kind]);
  const note = kind === 'missing' ? 'is missing' : kind === 'unmanaged' ? 'is not in the desired state' : '';
  const by = whole?.by === undefined ? '' : style.dim(` (by ${plain(whole.by)})`);
  return `${sign} ${style.bold(plain(resource))}${note === '' ? '' : ` ${note}`}${by}`;
}

function oneChange(change: Change, style: Style): readonly string[] {
  const lines: string[] = [];
  if (change.path !== '' || change.kind === 'changed') lines.push(fieldLine(change, style));
  if (change.text !== undefined && !change.sensitive) lines.push(...plainLines(change.text).map((line) => diffLine(line, style)));
  return indent(lines, 4);
}

function fieldLine(change: Change, style: Style): string {
  const by = change.by === undefined ? '' : style.dim(` (by ${plain(change.by)})`);
  const name = change.path === '' ? '' : `${plain(change.path)}: `;
  if (change.sensitive) return `${name}(sensitive)${by}`;
  // The text says it better than the digests of both sides.
  if (change.text !== undefined || (change.desired === undefined && change.actual === undefined)) return `${name}differs${by}`;
  return `${name}${style.green(valueText(change.desired))} → ${style.red(valueText(change.actual))}${by}`;
}

function diffLine(line: string, style: Style): string {
  if (line.startsWith('+')) return style.green(line);
  if (line.startsWith('-')) return style.red(line);
  return line.startsWith('@@') ? style.cyan(line) : line;
}

function pathMarkdown(change: Change): string {
  return change.path === '' ? '' : markdownCode(change.path);
}

function valueMarkdown(change: Change, side: 'desired' | 'actual'): string {
  if (change.sensitive) return '(sensitive)';
  const value = change[side];
  return value === undefined ? markdown('-') : markdownCode(valueText(value));
}

function byResource(changes: readonly Change[]): readonly (readonly [string, readonly Change[]])[] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const group = groups.get(change.resource);
    if (group === undefined) groups.set(change.resource, [change]);
    else group.push(change);
  }
  return [...groups];
}
