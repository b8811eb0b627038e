import { textOf } from './formats.js';
import { redactText } from './secrets.js';

const MAX_COMPARED = 1024 ** 2;
const MAX_TEXT = 16 * 1024;
const LIMITS = { context: 3, maxEditLength: 4000, timeout: 1000 };

export interface TextDifference {
  /** True when what differs includes what looks like a secret: digests would then help to guess it. */
  readonly sensitive: boolean;
  /** A unified diff from desired to actual, without secrets. */
  readonly text: string;
}

/** A picture of how two contents differ; `undefined` when they are not text. */
export async function diffText(desired: Buffer, actual: Buffer): Promise<TextDifference | undefined> {
  if (Math.max(desired.length, actual.length) > MAX_COMPARED) return undefined;
  const [wanted, found] = [textOf(desired), textOf(actual)];
  if (wanted === undefined || found === undefined) return undefined;
  const [a, b] = [redactText(wanted), redactText(found)];
  const sensitive = a.secrets.length !== b.secrets.length || a.secrets.some((secret, index) => secret !== b.secrets[index]);
  if (a.text === b.text) return { sensitive, text: '(the difference is in what is not shown)' };
  const { structuredPatch, formatPatch } = await import('diff');
  const patch = structuredPatch('desired', 'actual', a.text, b.text, undefined, undefined, LIMITS);
  const text = patch === undefined ? '(too much differs to show it)' : formatPatch(patch, { includeIndex: false, includeUnderline: false, includeFileHeaders: true });
  return { sensitive, text: bounded(text) };
}

function bounded(text: string): string {
  const content = Buffer.from(text);
  if (content.length <= MAX_TEXT) return text;
  const tail = '\n… (cut)\n';
  return content.subarray(0, MAX_TEXT - Buffer.byteLength(tail) - 4).toString('utf8').replace(/\uFFFD+$/, '') + tail;
}
