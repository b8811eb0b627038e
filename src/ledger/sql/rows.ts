import type { JsonObject } from '../../domain/json.js';
import type { Transaction, Values } from './database.js';

export type Row = Readonly<Record<string, unknown>>;

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`);
  return value;
}

export function optionalText(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === 'string' ? value : undefined;
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no number`);
  return value;
}

export function optionalInteger(row: Row, column: string): number | undefined {
  const value = row[column];
  return typeof value === 'number' ? value : undefined;
}

/** What was stored as canonical JSON; its shape is that of the writer, so the caller names it. */
export function json<T>(row: Row, column: string): T {
  return JSON.parse(text(row, column)) as T;
}

export function jsonObject(row: Row, column: string): JsonObject {
  return json<JsonObject>(row, column);
}

/** A copy without the members that are `undefined`, so that an absent column is an absent member. */
export function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

/** Sizes in which many rows are written at once: few, since each is a statement of its own to the server. */
const AT_ONCE = [100, 10, 1] as const;

/**
 * Writes many rows with few statements. `row` is the list of values of one, with `?` at the end of
 * each name that differs between rows: `(:environment, :path?)`. `statement` gets the whole list.
 */
export async function runMany(tx: Transaction, { statement, row, each, values }: { readonly statement: (rows: string) => string; readonly row: string; readonly each: readonly Values[]; readonly values: Values }): Promise<void> {
  let done = 0;
  for (const size of AT_ONCE) {
    const rows = Array.from({ length: size }, (_, index) => row.replaceAll('?', `_${index}`)).join(', ');
    for (; each.length - done >= size; done += size) {
      const own = each.slice(done, done + size).flatMap((one, index) => Object.entries(one).map(([name, value]) => [`${name}_${index}`, value] as const));
      await tx.run(statement(rows), { ...values, ...Object.fromEntries(own) });
    }
  }
}
