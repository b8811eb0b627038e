/** Escape sequences of terminals: CSI, OSC and the like up to BEL or ST, and two-character ones. Built from strings, so that no control character stands here. */
const SEQUENCES = new RegExp('(?:\\u001b\\[|\\u009b)[0-?]*[ -/]*[@-~]|\\u001b[\\]PX^_][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\)?|\\u001b[ -/]*[0-~]?', 'g');

/** Controls other than newline and tab, and the marks that reorder or hide text. */
const CONTROLS = new RegExp('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff]', 'g');

/** A text from outside without anything that acts on a terminal or disguises what is written. Newlines and tabs stay. */
export function plainText(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(SEQUENCES, '').replace(CONTROLS, '');
}

/** The same in one line of at most `limit` characters. */
export function oneLine(text: string, limit: number): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim();
  return line.length <= limit ? line : `${line.slice(0, limit - 1).trimEnd()}…`;
}

/** `90 seconds`, `1 minute`, `2 hours`: a time as it is read. */
export function durationText(ms: number): string {
  const [unit, size] = (ms % 3_600_000 === 0 ? ['hour', 3_600_000] : ms % 60_000 === 0 ? ['minute', 60_000] : ['second', 1_000]) satisfies [string, number];
  const count = Math.round(ms / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
