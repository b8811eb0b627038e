import { isUtf8 } from 'node:buffer';
import { isJsonObject, type Json } from '../../domain/json.js';

export type Format = 'yaml' | 'json' | 'toml' | 'env';

/** Larger or deeper files are compared as text: fields of these would take longer than they help. */
const MAX_BYTES = 1024 ** 2;
const MAX_DEPTH = 200;
const MAX_ALIASES = 1000;

export function formatOf(resource: string): Format | undefined {
  const name = resource.slice(resource.lastIndexOf('/') + 1).toLowerCase();
  if (name === '.env' || name.startsWith('.env.') || name.endsWith('.env')) return 'env';
  if (/\.ya?ml$/.test(name)) return 'yaml';
  if (name.endsWith('.json')) return 'json';
  return name.endsWith('.toml') ? 'toml' : undefined;
}

/** The text of a file, or `undefined` when it is not text. */
export function textOf(content: Buffer): string | undefined {
  return content.includes(0) || !isUtf8(content) ? undefined : content.toString('utf8');
}

/** The fields of a structured file; `undefined` when it has none that can be told apart safely. */
export async function parseFields(format: Format, content: Buffer): Promise<Json | undefined> {
  const text = content.length > MAX_BYTES ? undefined : textOf(content);
  if (text === undefined) return undefined;
  try {
    const value = await parseText(format, text.replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null && isFaithful(value, 0) ? value : undefined;
  } catch {
    // Parsers quote the line they stumble over, which may hold a secret: the text comparison says enough.
    return undefined;
  }
}

async function parseText(format: Format, text: string): Promise<Json | undefined> {
  switch (format) {
    case 'json':
      return JSON.parse(text) as Json;
    case 'yaml': {
      const { parseAllDocuments } = await import('yaml');
      const documents = parseAllDocuments(text, { logLevel: 'silent' });
      const [document] = documents;
      if (!Array.isArray(documents) || document === undefined || documents.length !== 1 || document.errors.length > 0 || document.warnings.length > 0) return undefined;
      return document.toJS({ maxAliasCount: MAX_ALIASES }) as Json;
    }
    case 'toml': {
      const { parse } = await import('smol-toml');
      return withoutDates(parse(text));
    }
    case 'env': {
      const { parse } = await import('dotenv');
      if (/__proto__/.test(text)) return undefined;
      return { ...parse(text) };
    }
  }
}

/** TOML's dates become their text. */
function withoutDates(value: unknown): Json {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(withoutDates);
  if (!isJsonObject(value)) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutDates(inner)]));
}

/** Whether JSON carries the value as it is: two different large integers must not become the same number. */
function isFaithful(value: unknown, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (typeof value === 'number') return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return value.every((inner) => isFaithful(inner, depth + 1));
  // Maps, sets and binary data of YAML have no JSON form.
  if (!isJsonObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((inner) => isFaithful(inner, depth + 1));
}
