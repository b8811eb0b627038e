// Changes one setting in a file as a person's editor would: the rest of the file stays as it was.
import { extname } from 'node:path';
import { parseDocument } from 'yaml';

/** `path` is `log.level`. The answer is the new text. */
export function writeField(file, text, path, value) {
  const keys = path.split('.');
  switch (extname(file)) {
    case '.yaml':
    case '.yml': {
      const document = parseDocument(text);
      document.setIn(keys, value);
      return document.toString();
    }
    case '.json':
      return `${JSON.stringify(withKey(JSON.parse(text), keys, value), null, 2)}\n`;
    case '.toml':
      return withTomlKey(text, keys, value);
    case '.env':
      return withLine(text, new RegExp(`^${keys[0]}=`), `${keys[0]}=${value}`);
    default:
      throw new Error(`${file}: no settings are known in this kind of file; use write-file`);
  }
}

function withKey(object, [key, ...rest], value) {
  return { ...object, [key]: rest.length === 0 ? value : withKey(object[key] ?? {}, rest, value) };
}

function withTomlKey(text, keys, value) {
  const key = keys.at(-1);
  const header = `[${keys.slice(0, -1).join('.')}]`;
  const lines = text.split('\n');
  const from = lines.indexOf(header);
  const at = lines.findIndex((line, index) => index > from && new RegExp(`^${key}\\s*=`).test(line));
  if (from === -1 || at === -1) throw new Error(`${keys.join('.')} is not in the file`);
  return lines.with(at, `${key} = ${JSON.stringify(value)}`).join('\n');
}

function withLine(text, pattern, line) {
  const lines = text.split('\n');
  const at = lines.findIndex((each) => pattern.test(each));
  return (at === -1 ? [line, ...lines] : lines.with(at, line)).join('\n');
}
