import type { FieldEdit } from './merge.js';

/** Changes the lines of these variables; the last of several counts, as readers of such files have it. */
export function mergeEnv(live: string, edits: readonly FieldEdit[]): string | undefined {
  const lines = live.split('\n');
  for (const { segments: [name], value } of edits) {
    if (name === undefined || !/^[\w.-]+$/.test(name)) return undefined;
    const at = lines.flatMap((line, index) => (nameOf(line) === name ? [index] : []));
    // A quoted value over several lines cannot be changed by its first.
    if (at.some((index) => isOpen(lines[index] ?? ''))) return undefined;
    if (value === undefined) {
      for (const index of at.reverse()) lines.splice(index, 1);
      continue;
    }
    const text = typeof value === 'object' ? undefined : quoted(String(value));
    const last = at.at(-1);
    if (text === undefined) return undefined;
    if (last !== undefined) lines[last] = `${/^\s*(?:export\s+)?/.exec(lines[last] ?? '')?.[0] ?? ''}${name}=${text}`;
    else lines.splice(lines.at(-1) === '' ? lines.length - 1 : lines.length, 0, `${name}=${text}`);
  }
  return lines.join('\n');
}

function nameOf(line: string): string | undefined {
  return /^\s*(?:export\s+)?([\w.-]+)\s*[=:]/.exec(line)?.[1];
}

function isOpen(line: string): boolean {
  const value = line.slice(line.search(/[=:]/) + 1).trim();
  const quote = value[0];
  return (quote === '"' || quote === "'" || quote === '`') && value.indexOf(quote, 1) === -1;
}

/** The plainest form that is read back the same; whoever calls reads it back to be sure. */
function quoted(value: string): string | undefined {
  if (/^[\w./:@%+,=-]*$/.test(value)) return value;
  if (value.includes('\n')) return undefined;
  if (!value.includes("'")) return `'${value}'`;
  return value.includes('"') || value.includes('\\') ? undefined : `"${value}"`;
}
