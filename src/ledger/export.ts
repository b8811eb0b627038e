import { canonicalJson } from '../digest.js';
import type { Json } from '../domain/json.js';
import type { Entry, EntryFilter, Ledger } from './ledger.js';

export type ExportFormat = 'jsonl' | 'csv';

const COLUMNS = ['seq', 'at', 'kind', 'environment', 'target', 'incident', 'by', 'data', 'previous', 'hash'] as const satisfies readonly (keyof Entry)[];

/** What a spreadsheet would run as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * The record as text, a line at a time, oldest first. `jsonl`: the canonical JSON of each entry, so
 * that its hash can be computed again from the line. `csv`: RFC 4180 with a header; `data` is JSON,
 * and a cell that a spreadsheet would run begins with an apostrophe.
 */
export async function* exportEntries(ledger: Pick<Ledger, 'entries'>, filter: EntryFilter, format: ExportFormat): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`;
  for await (const entry of ledger.entries(filter)) {
    yield format === 'csv' ? `${COLUMNS.map((column) => cellOf(entry, column)).join(',')}\r\n` : `${canonicalJson(entry as unknown as Json)}\n`;
  }
}

function cellOf(entry: Entry, column: (typeof COLUMNS)[number]): string {
  const value = column === 'data' ? canonicalJson(entry.data) : entry[column];
  if (value === undefined) return '';
  const text = String(value);
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
