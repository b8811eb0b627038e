import type { Json } from '../../domain/json.js';
import type { FieldEdit } from './merge.js';
import { applyEdit } from './merge-json.js';

/** `inPlace` changes single lines and gives up where it is not sure; `whole` writes the file anew, without its comments. */
export const mergeToml = { inPlace, whole };

async function inPlace(live: string, edits: readonly FieldEdit[]): Promise<string | undefined> {
  const { stringify } = await import('smol-toml');
  const lines = live.split('\n');
  for (const edit of edits) {
    const at = lineOf(lines, edit.segments);
    if (at === undefined) return undefined;
    if (edit.value === undefined) {
      if (edit.prune > 0) return undefined;
      lines.splice(at, 1);
      continue;
    }
    const line = lines[at] ?? '';
    const match = /^(\s*[^=#]+?\s*=\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'[{]+)(\s*(?:#.*)?)$/.exec(line);
    if (match === null || !isScalar(edit.value)) return undefined;
    lines[at] = `${match[1] ?? ''}${stringify({ v: edit.value }).trim().replace(/^v\s*=\s*/, '')}${match[3] ?? ''}`;
  }
  return lines.join('\n');
}

async function whole(live: string, edits: readonly FieldEdit[]): Promise<string | undefined> {
  const { parse, stringify } = await import('smol-toml');
  // Written anew, `1.0` would become `1`, which is another type to strict readers.
  if (/=\s*[-+]?\d+\.0+\s*(?:#.*)?$/m.test(live)) return undefined;
  const root = parse(live);
  return edits.every((edit) => applyEdit(root, edit)) ? stringify(root) : undefined;
}

/** The line on which a field of a plain table stands. */
function lineOf(lines: readonly string[], segments: readonly string[]): number | undefined {
  const key = segments.at(-1);
  const table = segments.slice(0, -1).join('.');
  let current = '';
  for (const [index, line] of lines.entries()) {
    const header = /^\s*\[\s*([A-Za-z0-9_.-]+)\s*\]\s*(?:#.*)?$/.exec(line);
    if (header !== null) current = header[1] ?? '';
    else if (/^\s*\[\[/.test(line)) current = '[[';
    const name = /^\s*(?:([A-Za-z0-9_-]+)|"([^"\\]+)")\s*=/.exec(line);
    if (current === table && key !== undefined && (name?.[1] ?? name?.[2]) === key) return index;
  }
  return undefined;
}

function isScalar(value: Json): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value));
}
