import { isJsonObject } from '../../domain/json.js';
import type { Entry } from '../../ledger/ledger.js';
import { textOf } from '../parts.js';
import { plain } from './escape.js';
import { paintWord, type Style } from './style.js';

export interface RecordedHealth {
  /** What was measured: the staged release, the switch, the soak. */
  readonly of: string;
  readonly verdict: string;
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly message: string }[];
}

/** The health report that an entry carries, wherever its writer put it. */
export function healthOf(entry: Entry): RecordedHealth | undefined {
  for (const candidate of [entry.data['health'], entry.data['report'], entry.data]) {
    if (!isJsonObject(candidate) || typeof candidate['verdict'] !== 'string' || !Array.isArray(candidate['checks'])) continue;
    const checks: unknown[] = candidate['checks'];
    return { of: textOf(entry.data, 'of') ?? '', verdict: candidate['verdict'], checks: checks.flatMap(checkOf) };
  }
  return undefined;
}

export function healthLines(at: string, report: RecordedHealth, style: Style): readonly string[] {
  const of = report.of === '' ? '' : `${plain(report.of)}: `;
  if (report.checks.length === 0) return [`${at}  ${of}no health check is set`];
  return [`${at}  ${of}${paintWord(report.verdict, style)}`, ...report.checks.map((check) => `  ${plain(check.name)}: ${paintWord(check.verdict, style)}${check.message === '' ? '' : `, ${plain(check.message)}`}`)];
}

function checkOf(check: unknown): RecordedHealth['checks'] {
  if (!isJsonObject(check)) return [];
  const text = (name: string) => (typeof check[name] === 'string' ? check[name] : '');
  return [{ name: text('name'), verdict: text('verdict'), message: text('message') }];
}
