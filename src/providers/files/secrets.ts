/** Names of fields whose values are secrets, whatever stands between their words: `db_password`, `apiKey`, `client-secret`. */
const SECRET_NAME = /passw(?:or)?d|passphrase|secret|token|credential|(?:api|access|private|signing|encryption|account|shared|master|auth)key|connectionstring|^pwd$|^pin$|^salt$|^dsn$|cookie$|htpasswd|privkey/;

/** Values that are secrets whatever they are called. */
const SECRET_VALUES: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/,
  /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,128}:[^\s/@]{1,256}@/i,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/,
];

const REDACTED = '(redacted)';

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_. ]/g, ''));
}

export function isSecretValue(value: string): boolean {
  return SECRET_VALUES.some((pattern) => pattern.test(value));
}

export interface RedactedText {
  readonly text: string;
  /** What was taken out, in order. */
  readonly secrets: readonly string[];
}

const ASSIGNMENT = /^(?<head>[\s>#;+-]*(?:export\s+)?["'<]?(?<name>[\w.$-]{1,128})["']?\s*(?:[:=>]\s*|\s+))(?<value>\S.*)$/;
const BARE_NAME = /^(?<indent>[\s-]*)["']?(?<name>[\w.$-]{1,128})["']?\s*[:=]\s*(?:[|>][+-]?\d*)?\s*$/;
const NAME = /["']?([\w.$-]{1,128})["']?\s*[:=]\s*/g;
/** Sticky: what stands right behind a name. */
const VALUE = /"[^"]*"|'[^']*'|[^,;}&]+/y;

/** Takes the values of secret-looking fields and secret-looking values out of a text of any format, line by line. */
export function redactText(text: string): RedactedText {
  const secrets: string[] = [];
  const lines: string[] = [];
  let inKey = false;
  /** Indentation of a secret field whose value stands on the lines below it. */
  let block: number | undefined;
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    if (block !== undefined && line.trim() !== '' && indent <= block) block = undefined;
    if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(line)) inKey = true;
    if (inKey || (block !== undefined && line.trim() !== '')) {
      secrets.push(line.trim());
      lines.push(REDACTED);
      if (/-----END [A-Z0-9 ]*PRIVATE KEY-----/.test(line)) inKey = false;
      continue;
    }
    const bare = BARE_NAME.exec(line)?.groups;
    if (bare?.name !== undefined && isSecretName(bare.name)) block = bare.indent?.length ?? 0;
    lines.push(redactLine(line, secrets));
  }
  return { text: lines.join('\n'), secrets };
}

function redactLine(line: string, secrets: string[]): string {
  // A line this long is data, and matching it is not worth its time.
  if (line.length > 4096) {
    if (!isSecretName(line) && !isSecretValue(line)) return line;
    secrets.push(line);
    return REDACTED;
  }
  const whole = ASSIGNMENT.exec(line)?.groups;
  if (whole?.name !== undefined && isSecretName(whole.name)) {
    secrets.push(whole.value ?? '');
    return `${whole.head ?? ''}${REDACTED}`;
  }
  const inline = redactWithin(line, secrets);
  if (!isSecretValue(inline)) return inline;
  secrets.push(inline.trim());
  return REDACTED;
}

/** A name may stand in what looks like the value of another: each is asked for itself. */
function redactWithin(line: string, secrets: string[]): string {
  let rest = '';
  let from = 0;
  for (const found of line.matchAll(NAME)) {
    const start = found.index + found[0].length;
    if (found.index < from || !isSecretName(found[1] ?? '')) continue;
    VALUE.lastIndex = start;
    const value = VALUE.exec(line)?.[0] ?? '';
    if (value === '') continue;
    secrets.push(value);
    rest += line.slice(from, start) + REDACTED;
    from = start + value.length;
  }
  return rest + line.slice(from);
}

/** A line of a command's output for a person: the last one, without what looks like or is known to be a secret. */
export function redactOutput(output: string, known: readonly string[]): string {
  const values = [...new Set(known.map((each) => each.replace(/^["']|["',]+$/g, '')).filter((each) => each.length >= 3))];
  const without = values.sort((a, b) => b.length - a.length).reduce((rest, value) => rest.replaceAll(value, REDACTED), output);
  const lines = redactText(without).text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return lines.at(-1) ?? '';
}
