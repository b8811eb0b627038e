/**
 * Names and texts come from files, engines and people, and must not steer the terminal or break a
 * table. Control characters, ANSI sequences, line breaks and direction overrides are shown as what
 * they are instead of being obeyed.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line that is safe on a terminal. */
export function plain(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? escaped(character));
}

/** The same value in JSON, with what would steer a terminal or disguise the text written as escapes. */
export function plainJson(json: string): string {
  return json.replace(/[\u007f-\u009f]|[\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''));
}

/** Several lines, each safe; tabs become spaces so that columns stay. */
export function plainLines(text: string): readonly string[] {
  return text.replace(/\n$/, '').split(/\r?\n/).map((line) => plain(line.replaceAll('\t', '    ')));
}

/** Safe inside Markdown, also inside a table cell: nothing in it is markup, a link, an image or a mention. */
export function markdown(text: string): string {
  return plain(text).replace(/[\\`*_{}[\]()<>#+!|~@&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A Markdown code span that its content cannot end. */
export function markdownCode(text: string): string {
  const content = plain(text).replaceAll('|', '¦');
  const longest = Math.max(0, ...[...content.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  const pad = content.startsWith('`') || content.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${content}${pad}${fence}`;
}

/** A fenced block that its content cannot end. */
export function markdownBlock(lines: readonly string[], language: string): string {
  const longest = Math.max(2, ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map((run) => run[0].length)));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${lines.join('\n')}\n${fence}`;
}

/** An argument as one would paste it into a POSIX shell. */
export function shellWord(text: string): string {
  const safe = plain(text);
  return /^[A-Za-z0-9_./:@%+=,-][A-Za-z0-9_./:@%+=,#-]*$/.test(safe) ? safe : `'${safe.replaceAll("'", `'\\''`)}'`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
