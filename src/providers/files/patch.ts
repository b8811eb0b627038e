import { redactText } from './secrets.js';
import { textOf } from './formats.js';

/** One file of a source, before and after; `undefined` content: it is not there. */
export interface PatchedFile {
  readonly path: string;
  readonly before?: { readonly content: Buffer; readonly mode: number };
  readonly after?: { readonly content: Buffer; readonly mode: number };
  /** Values that are shown to nobody. */
  readonly secrets: readonly string[];
}

export interface Patch {
  /** A unified diff as Git writes it, relative to the source's folder. */
  readonly text: string;
  /** Why `git apply` or `patch -p1` cannot be given it as it is; absent when they can. */
  readonly unusable?: string;
}

const MOST_BYTES = 64 * 1024;
const HIDDEN = '(redacted)';

/** What to change in the source's folder, for a person to review and apply. Holds no secret. */
export async function patchOf(files: readonly PatchedFile[]): Promise<Patch> {
  const pieces: string[] = [];
  let unusable: string | undefined;
  for (const file of files) {
    const { text, problem } = await pieceOf(file);
    pieces.push(text);
    unusable ??= problem;
  }
  const whole = pieces.join('');
  if (Buffer.byteLength(whole) <= MOST_BYTES) return { text: whole, ...(unusable === undefined ? {} : { unusable }) };
  return { text: `${Buffer.from(whole).subarray(0, MOST_BYTES).toString('utf8').replace(/[^\n]*$/, '')}… (cut)\n`, unusable: 'it is too long to be kept whole' };
}

async function pieceOf({ path, before, after, secrets }: PatchedFile): Promise<{ readonly text: string; readonly problem?: string }> {
  const head = [`diff --git ${name('a', path)} ${name('b', path)}`, ...modeLines(before?.mode, after?.mode)];
  if (before !== undefined && after?.content.equals(before.content) === true) return { text: `${head.join('\n')}\n` };
  const [old, fresh] = [textOf(before?.content ?? Buffer.alloc(0)), textOf(after?.content ?? Buffer.alloc(0))];
  if (old === undefined || fresh === undefined) return { text: `${[...head, `Binary files differ: ${name('', path)}`].join('\n')}\n`, problem: 'a file in it is no text' };
  const [a, b] = [hide(old, secrets), hide(fresh, secrets)];
  const { structuredPatch, formatPatch } = await import('diff');
  let body = '';
  // Less around a change where a secret stands beside it.
  for (const context of [3, 0]) {
    const patch = structuredPatch(before === undefined ? '/dev/null' : name('a', path), after === undefined ? '/dev/null' : name('b', path), a, b, undefined, undefined, { context });
    body = formatPatch(patch, { includeIndex: false, includeUnderline: false, includeFileHeaders: true });
    if (!body.includes(HIDDEN)) return { text: `${head.join('\n')}\n${body}` };
  }
  return { text: `${head.join('\n')}\n${body}`, problem: 'a secret stands in the lines that change, and is not shown' };
}

function modeLines(before: number | undefined, after: number | undefined): string[] {
  if (before === undefined) return [`new file mode ${gitMode(after)}`];
  if (after === undefined) return [`deleted file mode ${gitMode(before)}`];
  return gitMode(before) === gitMode(after) ? [] : [`old mode ${gitMode(before)}`, `new mode ${gitMode(after)}`];
}

function gitMode(mode = 0o644): string {
  return (mode & 0o100) === 0 ? '100644' : '100755';
}

/** A name with anything unusual in it is quoted, as Git does it. */
function name(side: string, path: string): string {
  const whole = side === '' ? path : `${side}/${path}`;
  return /^[\w./@%+,=:~ -]+$/.test(whole) ? whole : JSON.stringify(whole);
}

function hide(text: string, secrets: readonly string[]): string {
  const values = [...new Set(secrets.filter((each) => each.length >= 4))].sort((a, b) => b.length - a.length);
  return values.reduce((rest, value) => rest.replaceAll(value, HIDDEN), redactText(text).text);
}
